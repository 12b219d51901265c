-- Erases the texts of the attempts that sent events to endpoints: an endpoint may have returned the event that it received.
create or replace function erase_responses(event_ids bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  update endpoint_attempts as attempt set response_body = null, detail = null
  from endpoints
  where attempt.endpoint_id = endpoints.id and event_id = any(event_ids) and num_nonnulls(response_body, detail) > 0;
end $$;
