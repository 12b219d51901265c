-- Ends all leases of `lease_ms` milliseconds, whose workers are lost, so that their deliveries are due.
create or replace function end_endpoint_leases(lease_ms float8) returns void
language plpgsql
set search_path from current as $$
declare
  endpoint_ids bigint[];
  event_ids bigint[];
begin
  select array_agg(endpoint_id), array_agg(event_id) into endpoint_ids, event_ids
  from endpoint_deliveries where lease is not null;
  perform record_lost_endpoint_attempts(endpoint_ids, event_ids, lease_ms);
  update endpoint_deliveries set lease = null, next_attempt_at = statement_timestamp() where lease is not null;
end $$;
