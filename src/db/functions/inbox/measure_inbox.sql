-- The number of stored webhooks of each account and state, counted up to `max_count`, and the age of the oldest of them. Reads index
-- entries and one row for each account and state, not the table.
create or replace function measure_inbox(max_count int)
returns table (account text, state text, webhooks int, oldest_seconds float8)
language sql stable
set search_path from current
set enable_seqscan = off as $$
  with recursive inbox as (
    (select entry.account, entry.state from webhook_inbox as entry order by entry.account, entry.state limit 1)
    union all
    select next.account, next.state
    from inbox cross join lateral (
      select entry.account, entry.state from webhook_inbox as entry
      where (entry.account, entry.state) > (inbox.account, inbox.state)
      order by entry.account, entry.state limit 1
    ) as next
  )
  select inbox.account, inbox.state, counted.webhooks::int,
    extract(epoch from statement_timestamp() - oldest.received_at)::float8
  from inbox
  cross join lateral (
    select count(*) as webhooks from (
      select from webhook_inbox as entry
      where entry.account = inbox.account and entry.state = inbox.state order by id limit max_count
    ) as entries
  ) as counted
  -- Ids are in the order of arrival.
  cross join lateral (
    select received_at from webhook_inbox as entry
    where entry.account = inbox.account and entry.state = inbox.state order by id limit 1
  ) as oldest;
$$;
