-- Inserts messages and their deliveries. `input` has the columns of each message, numbered from 1 by "n"; this number is the
-- index into `conversation_ids` and `sender_ids`. The caller has locked the conversations.
-- Returns, by the same index, the ids, and whether the message was inserted; a repeated message is not inserted.
create or replace function insert_messages(
  input json, conversation_ids bigint[], sender_ids bigint[], at timestamptz, out ids bigint[], out inserted boolean[])
language plpgsql
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  -- A scheduled message has its event when it is queued.
  types text[];
  message_ids bigint[];
  event_conversation_ids bigint[];
  has_skipped boolean;
  has_media boolean;
  has_email boolean;
begin
  with message as materialized (
    select nextval('messages_id_seq') as id, case when send_at > at then 'scheduled' else 'queued' end as status, given.*
    from json_to_recordset(input) as given(
      n int, direction text, type text, "from" text, "to" text[], cc text[], bcc text[], reply_to text,
      subject text, body text, attachments text[], metadata jsonb, provider text,
      provider_message_id text, segments smallint, "timestamp" timestamptz, send_at timestamptz,
      expires_at timestamptz, payload jsonb, api_key_name text, idempotency_key text, request_hash text,
      delivery_key uuid, accounts text[], actor text, traceparent text, purpose text, recipient_hashes bytea[], skipped json,
      media_ids bigint[], email json)
  ), first_use as (
    insert into idempotency_keys (api_key_name, key, operation, request_hash, message_id)
    select api_key_name, idempotency_key, 'send', request_hash, id from message
    where idempotency_key is not null order by api_key_name, idempotency_key
    on conflict do nothing
    returning message_id
  ), inserted_message as (
    insert into messages (
      id, conversation_id, sender_id, direction, type, "from", "to", cc, bcc, reply_to, subject, body, attachments,
      metadata, provider, provider_message_id, segments, "timestamp", payload, actor, traceparent, purpose,
      created_at)
    select
      id, conversation_ids[n], sender_ids[n], direction, type, "from", "to", cc, bcc, reply_to, subject, body, attachments,
      metadata, provider, provider_message_id, segments, "timestamp", payload, actor, traceparent, purpose,
      at
    from message
    where idempotency_key is null or id in (select message_id from first_use)
    on conflict do nothing
    returning id
  ), inserted_delivery as (
    insert into deliveries (
      message_id, conversation_id, channel, status, provider, accounts, recipient_hashes, delivery_key, send_at, expires_at,
      next_attempt_at, created_at, updated_at)
    select
      id, conversation_ids[n], case when type = 'email' then 'email' else 'sms' end, status, accounts[1], accounts, recipient_hashes,
      delivery_key, send_at, expires_at,
      case
        when status = 'scheduled' then send_at
        -- Active immediately if the message is the first queued one of its conversation in this batch and no delivery is
        -- pending. LIMIT makes the planner use the index; with EXISTS it may read the whole queue.
        when row_number() over (partition by conversation_ids[n], status order by n) = 1 and (
          select true from deliveries as waiting
          where waiting.conversation_id = conversation_ids[n] and waiting.pending limit 1
        ) is null then at
      end,
      at, at
    from message join inserted_message using (id)
    where direction = 'outbound'
  )
  select array_agg(message.id order by n), array_agg(inserted_message.id is not null order by n),
    array_agg(case direction when 'inbound' then 'message.received' else 'message.queued' end order by n)
      filter (where inserted_message.id is not null and status = 'queued'),
    array_agg(id order by n) filter (where inserted_message.id is not null and status = 'queued'),
    array_agg(conversation_ids[n] order by n) filter (where inserted_message.id is not null and status = 'queued'),
    bool_or(inserted_message.id is not null and skipped is not null),
    bool_or(inserted_message.id is not null
      and (direction = 'inbound' and attachments <> '{}' or media_ids is not null)),
    bool_or(inserted_message.id is not null and email is not null)
  into ids, inserted, types, message_ids, event_conversation_ids, has_skipped, has_media, has_email
  from message left join inserted_message using (id);
  -- The recipients who are suppressed already, of messages that are sent to their other recipients.
  if has_skipped then
    insert into delivery_recipients (message_id, position, address, status, error, updated_at)
    select ids[n], position, address, 'failed', error, at
    from json_to_recordset(input) as given(n int, skipped json)
    cross join lateral json_to_recordset(skipped) as recipient(position smallint, address text, error jsonb)
    where inserted[n];
  end if;
  if has_media then
    perform record_media(input, ids, inserted, at);
  end if;
  if has_email then
    perform record_emails(input, ids, inserted);
  end if;
  if types is not null then
    perform append_events(types, message_ids, event_conversation_ids);
  end if;
end $$;
