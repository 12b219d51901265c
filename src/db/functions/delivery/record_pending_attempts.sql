-- Records the current attempts of messages whose acceptance was proved before the result of the attempt. The result replaces
-- the row (record_attempts); if the worker dies, the row stays.
create or replace function record_pending_attempts(ids bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  insert into delivery_attempts (message_id, number, provider, started_at, outcome, code, detail, class)
  select message_id, attempt_count, provider, updated_at, 'unknown', 'result_pending',
    'The provider reported that it had accepted the message before the attempt ended', 'provider_error'
  from deliveries where message_id = any(ids) and status = 'sending'
  on conflict do nothing;
end $$;
