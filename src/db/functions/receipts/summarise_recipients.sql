-- Moves messages to the summary of the statuses of their recipients. The error of a message that was not delivered to all
-- recipients is the error of the first recipient that was not reached.
create or replace function summarise_recipients(ids bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  update deliveries
  set status = summary.status, error = summary.error, updated_at = statement_timestamp()
  from (
    select message_id, status, case when status in ('undelivered', 'failed') then errors[1] end as error
    from (
      select message_id, summary_status(array_agg(status)) as status,
        array_agg(error order by position) filter (where status in ('undelivered', 'failed')) as errors
      from delivery_recipients where message_id = any(ids) group by message_id
    ) as statuses
  ) as summary
  where deliveries.message_id = summary.message_id
    and (deliveries.status, deliveries.error) is distinct from (summary.status, summary.error)
    and deliveries.status in ('sent', 'delivered', 'undelivered', 'failed');
end $$;
