-- The different lists of accounts of the deliveries that another account may take over from `assigned_to`; `{}` for deliveries
-- that every account can send. Reads one row of deliveries_reassignable_idx for each list. A plan for a given `is_retry` cannot
-- use this index: PostgreSQL simplifies `(attempt_count > 0) = false` to `attempt_count <= 0`.
create or replace function takeover_lists(channel text, assigned_to text, is_retry boolean) returns setof text[]
language sql stable
set search_path from current
set enable_seqscan = off
set plan_cache_mode = force_generic_plan as $$
  with recursive list as (
    (
      select coalesce(accounts, '{}') as accounts from deliveries
      where deliveries.channel = $1 and provider = assigned_to and (attempt_count > 0) = is_retry and status = 'queued'
        and not may_have_been_sent and next_attempt_at is not null and (accounts is null or cardinality(accounts) > 1)
      order by coalesce(accounts, '{}') limit 1
    )
    union all
    select following.accounts from list cross join lateral (
      select coalesce(deliveries.accounts, '{}') as accounts from deliveries
      where deliveries.channel = $1 and provider = assigned_to and (attempt_count > 0) = is_retry and status = 'queued'
        and not may_have_been_sent and next_attempt_at is not null
        and (deliveries.accounts is null or cardinality(deliveries.accounts) > 1)
        and coalesce(deliveries.accounts, '{}') > list.accounts
      order by coalesce(deliveries.accounts, '{}') limit 1
    ) as following
  )
  select accounts from list
$$;
