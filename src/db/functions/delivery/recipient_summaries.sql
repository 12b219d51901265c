-- The summary of the statuses of the recipients of messages, as in docs/states.md. The error of a message that was not delivered to
-- all recipients is the error of the first recipient that was not reached.
create or replace function recipient_summaries(ids bigint[]) returns table (message_id bigint, status text, error jsonb)
language plpgsql stable rows 1
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
begin
  return query
  select message_id, status, case when status in ('undelivered', 'failed') then errors[1] end
  from (
    select message_id, summary_status(array_agg(status)) as status,
      array_agg(error order by position) filter (where status in ('undelivered', 'failed')) as errors
    from delivery_recipients where message_id = any(ids) group by message_id
  ) as statuses;
end $$;
