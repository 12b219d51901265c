-- Claims due fetches for `lease_ms` milliseconds, those of each account in the order in which they became due. A worker has at most
-- `account_limit` fetches of one account, so that an account with a slow server delays no other account. `held`: the accounts of
-- the fetches that the worker has, one entry for each fetch. A file without a message is not fetched. `type` is the type of the
-- message.
create or replace function claim_media_fetches(account_limit int, held text[], lease_ms float8)
returns table (
  media_id bigint, attempt_count int, source_url text, account text, content_type text, name text, type text)
language sql
set search_path from current
set enable_seqscan = off
-- The planner expects many claimed rows, and would read whole tables to join them.
set enable_hashjoin = off
set enable_mergejoin = off as $$
  -- One index scan for each account, however many fetches it has.
  with recursive waiting(account) as (
    select min(account) from media_fetches
    union all
    select (select min(other.account) from media_fetches as other where other.account > waiting.account)
    from waiting where waiting.account is not null
  ), due as materialized (
    select oldest.media_id
    from waiting
    cross join lateral (
      select pending.media_id from media_fetches as pending
      where pending.account = waiting.account and next_attempt_at <= statement_timestamp()
      order by next_attempt_at
      limit greatest(0, account_limit - (select count(*) from unnest(held) as of_worker(account) where of_worker.account = waiting.account))
      for update skip locked
    ) as oldest
  ), claimed as (
    update media_fetches as pending
    set leased = true, attempt_count = pending.attempt_count + 1,
      next_attempt_at = statement_timestamp() + lease_ms * interval '1 millisecond'
    from due where pending.media_id = due.media_id
    returning pending.media_id, pending.attempt_count
  )
  select claimed.media_id, claimed.attempt_count, media.source_url, media.account, media.content_type, media.name, messages.type
  from claimed
  join media on media.id = claimed.media_id
  -- A file that is not stored has one message.
  cross join lateral (select message_id from message_media where message_media.media_id = claimed.media_id limit 1) as named
  join messages on messages.id = named.message_id;
$$;
