-- Records the attempts of dead workers: the lease of these deliveries ended before the worker settled the attempt. A late
-- result of the worker replaces the row (record_attempts). `due_at` is the earliest time of the next attempt; null for none.
create or replace function record_lost_attempts(ids bigint[], due_at timestamptz) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  insert into delivery_attempts (message_id, number, provider, started_at, outcome, code, detail, class, next_attempt_at)
  select message_id, attempt_count, provider, updated_at, 'unknown', 'worker_lost',
    'The worker died before it settled the attempt', 'provider_error', case when due_at is not null then greatest(next_attempt_at, due_at) end
  from deliveries where message_id = any(ids)
  on conflict do nothing;
end $$;
