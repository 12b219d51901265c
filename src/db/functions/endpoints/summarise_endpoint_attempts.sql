-- The results of the attempts of each endpoint: whether one succeeded, the start of the first failed attempt, the longest pause, and
-- whether the endpoint wants no further events. An attempt whose process ended is no failure of the endpoint. An attempt at a former URL
-- says nothing about the endpoint.
create or replace function summarise_endpoint_attempts(input json)
returns table (endpoint_id bigint, has_success boolean, failing_from timestamptz, pause interval, is_gone boolean)
language sql stable
set search_path from current as $$
  select endpoint_id, bool_or(outcome = 'succeeded'),
    min(started_at) filter (where outcome = 'failed' and error_code <> 'worker_lost'),
    max(pause_ms) * interval '1 millisecond', bool_or(is_gone)
  from json_to_recordset(input) as attempt(
    endpoint_id bigint, url text, started_at timestamptz, outcome text, error_code text, pause_ms float8, is_gone boolean)
  join endpoints on endpoints.id = endpoint_id and endpoints.url = attempt.url
  group by endpoint_id
$$;
