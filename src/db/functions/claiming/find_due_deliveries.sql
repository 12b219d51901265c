-- Finds and locks due deliveries of each route (claim_deliveries): at most `free` first deliveries, and at most `retries`
-- retries. `free` is the number of calls that the free slots and the rate limit of the account allow within `longest_delay`.
-- A delivery may be found for several routes. `due_order` is ascending in the order of claiming.
-- Deliveries that are assigned to another account come from deliveries_reassignable_idx (`is_takeover`), all others from
-- deliveries_due_idx.
create or replace function find_due_deliveries(
  routes json, wanted_retries int, at timestamptz, longest_delay interval) returns table (
  n int, provider text, free int, retries int, first text, per_second float8, per_second_per_sender float8,
  is_retry boolean, message_id bigint, status text, next_attempt_at timestamptz, sender_slot_at timestamptz,
  due_order interval)
language plpgsql rows 50
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
begin
  return query
  with route as materialized (
    select given.*,
      case
        when next_at is null or next_at <= at + case when per_second is null then interval '0' else longest_delay end
        then least(free_slots, 1 + floor(extract(epoch from at + longest_delay - greatest(next_at, at)) * per_second))
        else 0
      end::int as free
    from json_to_recordset(routes) as given(
      n int, channel text, assigned_to text, reassignable boolean, preferred text[], provider text, free_slots int,
      retries int, first text, newest_first boolean, per_second float8, per_second_per_sender float8)
    left join rate_limit_slots on name = provider
  ), search as materialized (
    select route.*, is_retry, reassignable and assigned_to <> '' as is_takeover,
      case when is_retry then least(free, retries, wanted_retries) else free end as max_found
    from route cross join (values (false), (true)) as kind(is_retry)
  ), takeover as materialized (
    -- A search for each list, so that deliveries of lists without the account are not read.
    select n, is_retry, accounts
    from search cross join lateral takeover_lists(channel, assigned_to, is_retry) as accounts
    where is_takeover and max_found > 0 and is_reassignable(accounts, search.provider, preferred)
  )
  select search.n, search.provider, free, retries, first, per_second, per_second_per_sender, is_retry, found.*,
    case when newest_first then at - found.next_attempt_at else found.next_attempt_at - at end
  from search cross join lateral (
    select * from (
      select message_id, status, next_attempt_at::timestamptz, sender_slot_at::timestamptz from deliveries
      where not search.is_takeover and not search.newest_first and channel = search.channel
        and coalesce(provider, '') = search.assigned_to and (attempt_count > 0) = search.is_retry
        and deliveries.next_attempt_at <= at and pending and is_claimable(deliveries, search.reassignable, at)
      order by deliveries.next_attempt_at limit search.max_found for update skip locked
    ) as oldest
    union all
    select * from (
      select message_id, status, next_attempt_at::timestamptz, sender_slot_at::timestamptz from deliveries
      where not search.is_takeover and search.newest_first and channel = search.channel
        and coalesce(provider, '') = search.assigned_to and (attempt_count > 0) = search.is_retry
        and deliveries.next_attempt_at <= at and pending and is_claimable(deliveries, search.reassignable, at)
      order by deliveries.next_attempt_at desc limit search.max_found for update skip locked
    ) as newest
    union all
    select * from (
      select found.* from takeover cross join lateral (
        select message_id, status, next_attempt_at::timestamptz, sender_slot_at::timestamptz from deliveries
        where channel = search.channel and deliveries.provider = search.assigned_to
          and (attempt_count > 0) = search.is_retry and coalesce(deliveries.accounts, '{}') = takeover.accounts
          and deliveries.next_attempt_at <= at and status = 'queued' and not may_have_been_sent
          and (deliveries.accounts is null or cardinality(deliveries.accounts) > 1) and expires_at > at
          and recipient_hashes is not null
        order by deliveries.next_attempt_at limit search.max_found for update skip locked
      ) as found
      where takeover.n = search.n and takeover.is_retry = search.is_retry and not search.newest_first
      order by found.next_attempt_at limit search.max_found
    ) as oldest_takeover
    union all
    select * from (
      select found.* from takeover cross join lateral (
        select message_id, status, next_attempt_at::timestamptz, sender_slot_at::timestamptz from deliveries
        where channel = search.channel and deliveries.provider = search.assigned_to
          and (attempt_count > 0) = search.is_retry and coalesce(deliveries.accounts, '{}') = takeover.accounts
          and deliveries.next_attempt_at <= at and status = 'queued' and not may_have_been_sent
          and (deliveries.accounts is null or cardinality(deliveries.accounts) > 1) and expires_at > at
          and recipient_hashes is not null
        order by deliveries.next_attempt_at desc limit search.max_found for update skip locked
      ) as found
      where takeover.n = search.n and takeover.is_retry = search.is_retry and search.newest_first
      order by found.next_attempt_at desc limit search.max_found
    ) as newest_takeover
  ) as found;
end $$;
