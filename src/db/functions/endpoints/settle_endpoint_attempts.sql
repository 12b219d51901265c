-- Settles a batch of attempts: records them, ends their leases, and updates the states of their endpoints. `input` has for each
-- try {endpoint_id, event_id, lease, number, url, started_at, duration_ms, outcome, status_code, error_code, detail,
-- response_body}, `retry_ms` until the next attempt (null after a success and after the last attempt), `pause_ms` for which the endpoint
-- must get no attempt (null for no pause), and `is_gone` if the endpoint wants no further events.
-- Returns the endpoints that are now disabled, with the reason.
create or replace function settle_endpoint_attempts(input json) returns table (endpoint_id bigint, reason text)
language plpgsql
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  -- An endpoint without a success for this time is disabled.
  max_failing constant interval := '5 days';
  disabled_ids bigint[];
  reasons text[];
  changes jsonb[];
begin
  -- Before the deliveries, as a deletion of an endpoint locks them. Endpoints whose state stays are not locked.
  perform from endpoints
  where id in (select endpoint_id from json_to_recordset(input) as attempt(endpoint_id bigint))
    and (failing_since is not null
      or id in (
        select endpoint_id from json_to_recordset(input) as attempt(endpoint_id bigint, outcome text) where outcome = 'failed'))
  order by id for no key update;

  with attempt as materialized (
    select * from json_to_recordset(input) as attempt(
      endpoint_id bigint, event_id bigint, url text, lease uuid, number int, started_at timestamptz, duration_ms int, outcome text,
      status_code int, error_code text, detail text, response_body text, retry_ms float8)
  ), locked as materialized (
    -- Without the attempts whose leases have ended: another worker has recorded them.
    select attempt.*, endpoints.url = attempt.url as is_present_url,
      -- The endpoint may have returned an event whose subject was erased meanwhile.
      response_body is not null and exists (
        select from events
        where events.id = event_id and case split_part(events.type, '.', 1)
          when 'message' then exists (select from messages where id = subject_id and redacted_at is not null)
          when 'recipient' then exists (select from messages where id = subject_id and redacted_at is not null)
          when 'participant' then exists (select from participants where id = subject_id and erased_at is not null)
          when 'suppression' then exists (select from suppression_changes where id = subject_id and address is null)
          else false end) as is_erased
    from endpoint_deliveries as delivery join attempt using (endpoint_id, event_id, lease)
    join endpoints on endpoints.id = endpoint_id
    order by endpoint_id, event_id for no key update of delivery
  ), settled as (
    update endpoint_deliveries as delivery
    set status = case when outcome = 'succeeded' then 'delivered' when retry_ms is null then 'failed' else 'pending' end,
        lease = null,
        -- At once after an attempt at a former URL.
        next_attempt_at = case when outcome = 'failed'
          then statement_timestamp() + retry_ms * is_present_url::int * interval '1 millisecond' end
    from locked where delivery.endpoint_id = locked.endpoint_id and delivery.event_id = locked.event_id
  )
  insert into endpoint_attempts (
    endpoint_id, event_id, number, started_at, duration_ms, outcome, status_code, error_code, detail, response_body)
  select endpoint_id, event_id, number, started_at, duration_ms, outcome, status_code, error_code, detail,
    case when not is_erased then response_body end
  from locked order by started_at;

  update endpoints
  set failing_since = case when not has_success then coalesce(failing_since, failing_from) end,
      paused_until = greatest(paused_until, statement_timestamp() + pause)
  from summarise_endpoint_attempts(input)
  where id = endpoint_id and (failing_from is not null or (failing_since is not null and has_success));

  with disabled as (
    update endpoints
    set enabled = false, disabled_reason = case when is_gone then 'gone' else 'failing' end,
        disabled_at = statement_timestamp(), updated_at = statement_timestamp()
    from summarise_endpoint_attempts(input)
    where id = endpoint_id and enabled
      and (is_gone
        or (failing_from is not null and not has_success and failing_since <= statement_timestamp() - max_failing))
    returning id, disabled_reason, disabled_at, failing_since
  )
  select array_agg(id order by id), array_agg(disabled_reason order by id),
    array_agg(to_jsonb(disabled) - 'id' order by id)
  into disabled_ids, reasons, changes from disabled;
  if disabled_ids is null then
    return;
  end if;

  perform append_events(
    array_fill('endpoint.disabled'::text, array[cardinality(disabled_ids)]), disabled_ids, null, changes);
  return query select * from unnest(disabled_ids, reasons);
end $$;
