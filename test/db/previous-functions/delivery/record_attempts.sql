-- Records settled attempts. `input` has the columns of each attempt, with `id` for the message. The late result of an attempt
-- that was recorded as lost replaces the row, except `next_attempt_at`.
create or replace function record_attempts(input json) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  insert into delivery_attempts as recorded (
    message_id, number, provider, started_at, duration_ms, outcome, http_status, code, detail, class, provider_message_id,
    next_attempt_at)
  select
    id, number, provider, started_at, duration_ms, outcome, http_status, code, detail, class, provider_message_id,
    next_attempt_at
  from json_to_recordset(input) as attempt(
    id bigint, number int, provider text, started_at timestamptz, duration_ms float8, outcome text, http_status int,
    code text, detail text, class text, provider_message_id text, next_attempt_at timestamptz)
  on conflict (message_id, number) do update
  set provider = excluded.provider, started_at = excluded.started_at, duration_ms = excluded.duration_ms,
    outcome = excluded.outcome, http_status = excluded.http_status, code = excluded.code, detail = excluded.detail, class = excluded.class,
    provider_message_id = excluded.provider_message_id
  where recorded.duration_ms is null;
end $$;
