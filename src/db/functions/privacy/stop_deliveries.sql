-- Ends messages that wait for an attempt: canceled, or unknown if the message may have been sent to a recipient. The caller has
-- locked the conversation. Returns the number of these messages.
create or replace function stop_deliveries(ids bigint[]) returns int
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  changed int;
begin
  perform from deliveries where message_id = any(ids) order by message_id for update;
  update deliveries
  set status = case when may_have_been_sent or provider_message_id is not null then 'unknown' else 'canceled' end,
      error = jsonb_build_object('code', 'erased', 'detail', 'The recipient was erased'),
      next_attempt_at = null, updated_at = statement_timestamp()
  where message_id = any(ids) and status in ('scheduled', 'queued');
  get diagnostics changed = row_count;
  return changed;
end $$;
