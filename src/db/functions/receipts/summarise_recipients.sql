-- Moves messages to the summary of the statuses of their recipients. A message with recipients who wait for another attempt keeps
-- its status.
create or replace function summarise_recipients(ids bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  update deliveries
  set status = summary.status, error = summary.error, updated_at = statement_timestamp()
  from recipient_summaries(ids) as summary
  where deliveries.message_id = summary.message_id
    and (deliveries.status, deliveries.error) is distinct from (summary.status, summary.error)
    and deliveries.status in ('sent', 'delivered', 'undelivered', 'failed');
end $$;
