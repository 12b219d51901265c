-- Records the attempts of deliveries whose leases of `lease_ms` milliseconds ended before their worker settled them.
create or replace function record_lost_endpoint_attempts(endpoint_ids bigint[], event_ids bigint[], lease_ms float8) returns void
language sql
set search_path from current
set enable_seqscan = off as $$
  insert into endpoint_attempts (endpoint_id, event_id, number, started_at, outcome, error_code, detail)
  select endpoint_id, event_id, attempt_count, next_attempt_at - lease_ms * interval '1 millisecond', 'failed', 'worker_lost',
    'The process ended during the attempt, so its result is not known.'
  from unnest(endpoint_ids, event_ids) as lost(endpoint_id, event_id)
  join endpoint_deliveries using (endpoint_id, event_id)
  where lease is not null
  order by endpoint_id, event_id
$$;
