-- Claims at most `wanted` due deliveries, each for the first route that finds the delivery. The lease takes `lease_ms` milliseconds of
-- this route; that of an email with files or with a large text takes `large_lease_ms`.
-- A first delivery had no attempt yet; a retry had at least one attempt.
-- - A route finds at most `free_slots` first deliveries and `retries` retries. An account gets at most `free_slots`
--   deliveries, of which at most `retries` are retries; all accounts together get at most `wanted_retries` retries.
-- - The oldest deliveries are claimed first; with `newest_first`, the newest. `first` has precedence over this order: 'new'
--   claims first deliveries before retries, 'retry' claims retries before first deliveries.
-- - The result `delay_ms` is the delay before the call. Deliveries whose rate limit allows no call within `longest_delay` are
--   postponed to their reserved time.
-- Steps: 1. lock the rate limits; 2. choose due deliveries; 3. reserve a time within the rate limits of the senders, and
-- postpone deliveries whose time is too late; 4. reserve a time within the rate limits of the accounts; 5. record the lost
-- attempts of earlier claims, and store the threads of emails; 6. claim.
create or replace function claim_deliveries(routes json, wanted int, wanted_retries int) returns table (
  route int, delay_ms float8, id bigint, conversation_id bigint, type text, "from" text, "to" text[], cc text[],
  bcc text[], reply_to text, subject text, body text, attachments text[], "timestamp" timestamptz, delivery_key uuid,
  attempt_count int, retry_count int, may_have_been_sent boolean, created_at timestamptz, send_at timestamptz,
  expires_at timestamptz, traceparent text, segments smallint, partly_sent boolean, media json, fetched json, email json,
  lease_ms float8)
language plpgsql
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  longest_delay constant interval := '250 milliseconds';
  -- A reserved time expires after this interval; otherwise all messages with past times would be sent at once.
  grace constant interval := '2 seconds';
  limited constant text[] := array(
    select provider from json_to_recordset(routes) as route(provider text, per_second float8)
    where per_second is not null);
  at timestamptz;
  -- One element for each claimed message, in the order of sending.
  ids bigint[];
  -- Messages whose lease ended before their worker settled the attempt.
  taken_over bigint[];
  email_ids bigint[];
  -- For each email, whether its upload may take time of its own (`upload-time.ts`); null for a text message.
  large boolean[];
  -- Max bytes of a text that needs no such time, also after it is encoded and sent beside HTML.
  large_text constant int := 100000;
  route_numbers int[];
  providers text[];
  rates float8[];
  senders text[];
  sender_rates float8[];
  -- When the message may be sent by the rate limit of its sender, and by the rate limit of its provider.
  sender_slots timestamptz[];
  provider_slots timestamptz[];
begin
  -- Step 1. The rows of rate limits are locked until the commit, in the order of their names, so that claims do not deadlock.
  if limited <> '{}' then
    insert into rate_limit_slots (name, next_at)
    select distinct name, statement_timestamp() from unnest(limited) as limits(name) order by name
    on conflict do nothing;
    perform from rate_limit_slots where name = any(limited) order by name for update;
  end if;
  at := clock_timestamp();

  -- Steps 2 and 3 are repeated if the rate limits of the senders postpone all chosen deliveries.
  for tries in 1..64 loop
    select array_agg(message_id order by send_order), array_agg(n order by send_order),
      array_agg(chosen.provider order by send_order), array_agg(per_second order by send_order),
      array_agg(chosen.provider || ' ' || "from" order by send_order),
      array_agg(case when coalesce(sender_slot_at < at - grace, true) then per_second_per_sender end order by send_order),
      array_agg(message_id) filter (where status = 'sending'), array_agg(message_id) filter (where type = 'email'),
      array_agg(case when type = 'email' then
        attachments <> '{}' or octet_length(body) > large_text
        or exists (select from message_media where message_media.message_id = messages.id)
        or exists (select from emails where emails.message_id = messages.id and octet_length(text) > large_text)
      end order by send_order)
    into ids, route_numbers, providers, rates, senders, sender_rates, taken_over, email_ids, large
    from choose_deliveries(routes, wanted, wanted_retries, at, longest_delay) as chosen
    join messages on messages.id = message_id;
    if ids is null then
      return;
    end if;

    sender_slots := reserve_slots(senders, sender_rates, at);
    update deliveries set next_attempt_at = slot_at, sender_slot_at = slot_at
    from unnest(ids, sender_slots) as postponed(id, slot_at)
    where slot_at > at + longest_delay and message_id = postponed.id;
    exit when at + longest_delay >= any(sender_slots);
  end loop;

  -- Step 4.
  provider_slots := reserve_slots(
    providers, array(
      select case when slot_at <= at + longest_delay then rate end
      from unnest(rates, sender_slots) with ordinality as message(rate, slot_at, n) order by n), at);

  -- Step 5.
  if taken_over is not null then
    perform record_lost_attempts(taken_over, at);
  end if;
  if email_ids is not null then
    perform store_threads(email_ids);
  end if;

  -- Step 6.
  return query
  with claimed as (
    update deliveries
    set status = 'sending', next_attempt_at = at + longest_delay + ready.lease_ms * interval '1 millisecond',
        attempt_count = attempt_count + 1,
        -- The worker of an earlier claim did not settle its attempt.
        may_have_been_sent = may_have_been_sent or status = 'sending',
        provider = ready.provider, sender_slot_at = null, updated_at = at
    from (
      select id, n, ready.provider, sender_slot_at, provider_slot_at, send_order,
        case when is_large then large_lease_ms else lease_ms end as lease_ms
      from unnest(ids, route_numbers, providers, sender_slots, provider_slots, large) with ordinality
        as ready(id, n, provider, sender_slot_at, provider_slot_at, is_large, send_order)
      join json_to_recordset(routes) as route(n int, lease_ms float8, large_lease_ms float8) using (n)
    ) as ready
    where ready.sender_slot_at <= at + longest_delay and message_id = ready.id
    returning send_order, n, ready.lease_ms, greatest(ready.sender_slot_at, provider_slot_at) - at as delay, deliveries.*
  )
  select n, extract(epoch from delay)::float8 * 1000, id, messages.conversation_id, type, "from", "to", cc, bcc,
    reply_to, subject, body, attachments, "timestamp", delivery_key, attempt_count, retry_count, may_have_been_sent,
    messages.created_at, send_at, expires_at, traceparent, segments,
    claimed.provider_message_id is not null,
    case when type <> 'sms' then (
      select json_agg(json_build_object(
        'id', media.id, 'content_type', content_type, 'size', size, 'object_id', object_id,
        'name', coalesce(message_media.name, media.name), 'content_id', content_id) order by position)
      from message_media join media on media.id = media_id
      where message_media.message_id = messages.id and position <= 1000
    ) end,
    -- The files that an earlier attempt has fetched from the URLs of the message.
    case when attachments <> '{}' then (
      select json_agg(json_build_object(
        'number', position - 1000, 'content_type', content_type, 'size', size, 'object_id', object_id, 'name', media.name))
      from message_media join media on media.id = media_id
      where message_media.message_id = messages.id and position > 1000
    ) end,
    case when type = 'email' then (
      select json_build_object(
        'is_html', is_html, 'text', text, 'headers', headers, 'names', names, 'url_files', url_files,
        'internet_message_id', internet_message_id, 'in_reply_to', sent_in_reply_to, 'reference_ids', sent_reference_ids)
      from emails where emails.message_id = messages.id
    ) end,
    lease_ms
  from claimed join messages on messages.id = message_id
  order by send_order;
end $$;
