-- Claims at most `wanted` due deliveries for `lease_ms` milliseconds, at most `per_endpoint` of each endpoint, or the number in
-- `limits` of the endpoints `limited_ids`, and at most `max_failing` of all other endpoints that are failing. Every endpoint gets
-- a delivery before an endpoint gets another, first those that are not failing.
-- A delivery whose lease has ended has lost its worker: the attempt is recorded as `worker_lost`, and the delivery is claimed
-- again, or has failed after `max_attempts` attempts.
-- The result has the event; `type` is null if the event is not kept any more. `attempt` is the number in the present schedule,
-- `number` the number of all attempts.
create or replace function claim_endpoint_deliveries(
  wanted int, per_endpoint int, limited_ids bigint[], limits int[], max_failing int, max_attempts int, lease_ms float8)
returns table (
  endpoint_id bigint, event_id bigint, lease uuid, number int, attempt int, url text, is_failing boolean, secret text, previous_secret text,
  type text, subject_id bigint, conversation_id bigint, changes jsonb, created_at timestamptz, traceparent text)
language plpgsql
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  at constant timestamptz := clock_timestamp();
  -- One element for each delivery.
  endpoint_ids bigint[];
  event_ids bigint[];
begin
  with candidate as materialized (
    select endpoint_id, event_id
    from (
      select due.*, failing_since is not null as is_failing, limited.id is null and failing_since is not null as is_counted,
        row_number() over (
          partition by limited.id is null and failing_since is not null order by due.n, due.next_attempt_at) as rank
      from endpoints
      left join unnest(limited_ids, limits) as limited(id, free) on limited.id = endpoints.id
      cross join lateral (
        select endpoint_id, event_id, next_attempt_at, row_number() over (order by next_attempt_at, event_id) as n
        from (
          select endpoint_id, event_id, next_attempt_at from endpoint_deliveries
          where endpoint_id = endpoints.id and status = 'pending' and next_attempt_at <= at
          order by next_attempt_at, event_id limit coalesce(limited.free, per_endpoint)
        ) as oldest
      ) as due
      where endpoints.enabled and coalesce(endpoints.paused_until <= at, true)
    ) as due
    where not is_counted or rank <= max_failing
    order by n, is_failing, next_attempt_at, event_id limit wanted
  ), locked as (
    select endpoint_id, event_id from endpoint_deliveries join candidate using (endpoint_id, event_id)
    where status = 'pending' and next_attempt_at <= at
    order by endpoint_id, event_id for no key update of endpoint_deliveries skip locked
  )
  select array_agg(endpoint_id), array_agg(event_id) into endpoint_ids, event_ids from locked;
  if endpoint_ids is null then
    return;
  end if;

  perform record_lost_endpoint_attempts(endpoint_ids, event_ids, lease_ms);
  update endpoint_deliveries set status = 'failed', lease = null, next_attempt_at = null
  from unnest(endpoint_ids, event_ids) as claimed(endpoint_id, event_id)
  where endpoint_deliveries.endpoint_id = claimed.endpoint_id and endpoint_deliveries.event_id = claimed.event_id
    and attempt_count - schedule_start >= max_attempts;

  return query
  with claimed as (
    update endpoint_deliveries as delivery
    set lease = gen_random_uuid(), attempt_count = attempt_count + 1, next_attempt_at = at + lease_ms * interval '1 millisecond'
    from unnest(endpoint_ids, event_ids) as chosen(endpoint_id, event_id)
    where delivery.endpoint_id = chosen.endpoint_id and delivery.event_id = chosen.event_id and status = 'pending'
    returning delivery.*
  )
  select claimed.endpoint_id, claimed.event_id, claimed.lease, claimed.attempt_count,
    claimed.attempt_count - claimed.schedule_start, endpoints.url, endpoints.failing_since is not null,
    endpoints.secret,
    case when endpoints.previous_secret_expires_at > at then endpoints.previous_secret end,
    events.type, events.subject_id, events.conversation_id, events.changes, events.created_at::timestamptz,
    messages.traceparent
  from claimed
  join endpoints on endpoints.id = claimed.endpoint_id
  left join events on events.id = claimed.event_id
  left join messages on events.type like 'message.%' and messages.id = events.subject_id
  -- The attempts begin in this order.
  order by row_number() over (partition by claimed.endpoint_id order by claimed.event_id), claimed.event_id;
end $$;
