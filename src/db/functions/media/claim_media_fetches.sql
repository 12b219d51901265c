-- Claims at most `wanted` due fetches for `lease_ms` milliseconds, in the order in which they became due. A file without a
-- message is not fetched. `type` is the type of the message.
create or replace function claim_media_fetches(wanted int, lease_ms float8)
returns table (
  media_id bigint, attempt_count int, source_url text, account text, content_type text, name text, type text)
language sql
set search_path from current
set enable_seqscan = off as $$
  with due as materialized (
    select pending.media_id from media_fetches as pending
    where next_attempt_at <= statement_timestamp()
    order by next_attempt_at limit wanted for update skip locked
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
