create or replace function record_messages(own bigint[], senders bigint[], made timestamptz[], unknown json, input json) returns json
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  found record;
  -- The id of the primary conversation for each message.
  speakers bigint[];
  ids bigint[];
  created boolean[];
  -- The locked conversations, the primary conversation of each, and when each was created.
  locked bigint[];
  spoken_for bigint[];
  locked_made timestamptz[];
  -- Whether each locked conversation has all of its participants, and whether all of these are at least as old as the
  -- conversation. A younger participant has the id of a deleted one.
  complete boolean[];
  original boolean[];
  at timestamptz(3);
begin
  for tries in 1..2 loop
    exit when array_position(own, null) is null;
    for found in
      select n, conversations.id as conversation_id, people.sender_id
      from json_to_recordset(unknown) as message(n int, sender text, participants text[])
      cross join lateral (
        select array_agg(id order by id) as ids, max(id) filter (where address = sender) as sender_id
        from participants where address = any(message.participants)
      ) as people
      join conversations
        on participant_ids = people.ids and cardinality(people.ids) = cardinality(message.participants)
      where cardinality(participant_ids) = (
        select count(*) from conversation_participants where conversation_id = conversations.id)
    loop
      own[found.n] := found.conversation_id;
      senders[found.n] := found.sender_id;
    end loop;
    if array_position(own, null) is not null then
      perform add_conversations(unknown);
    end if;
  end loop;
  if array_position(own, null) is not null then
    raise 'a message has no conversation' using errcode = 'MS001';
  end if;
  speakers := own || array(select merged_into_id from conversations where id = any(own) and merged_into_id is not null);

  -- Every writer locks in the order of the ids, so that no two wait for each other.
  select array_agg(id), array_agg(coalesce(merged_into_id, id)), array_agg(made_at),
    array_agg(cardinality(participant_ids) = participants), array_agg(latest <= made_at)
  into locked, spoken_for, locked_made, complete, original
  from (
    select id, merged_into_id, created_at as made_at, participant_ids from conversations
    where id = any(speakers) order by id for no key update
  ) as row cross join lateral (
    select count(*) as participants, max(created_at) as latest
    from conversation_participants join participants on participants.id = participant_id
    where conversation_id = row.id
  ) as stored;
  if exists (
    select from unnest(own, made) as message(id, made_at)
    left join unnest(locked, locked_made, complete, original) as stored(id, made_at, is_complete, is_original) using (id)
    where not coalesce(is_complete, false)
      or message.made_at is not null and (message.made_at <> stored.made_at or not is_original)
  ) then
    raise 'a conversation is not the one that was remembered' using errcode = 'MS001';
  end if;
  if not spoken_for <@ locked then
    raise 'conversations were merged while this waited for them' using errcode = 'serialization_failure';
  end if;
  speakers := case
    when spoken_for = locked then own
    else array(
      select spoken_for[array_position(locked, id)] from unnest(own) with ordinality as message(id, n) order by n)
  end;

  -- Ids are drawn under the locks, so that messages become visible in the order of their ids.
  at := clock_timestamp();
  with message as materialized (
    select nextval('messages_id_seq') as id, given.*
    from json_to_recordset(input) as given(
      n int, first boolean, direction text, type text, "from" text, "to" text[], cc text[], bcc text[], reply_to text,
      subject text, body text, attachments text[], metadata jsonb, status text, provider text,
      provider_message_id text, segments smallint, "timestamp" timestamptz, send_at timestamptz,
      expires_at timestamptz, payload jsonb, api_key_name text, idempotency_key text, request_hash text,
      delivery_key uuid)
  ), first_use as (
    insert into idempotency_keys (api_key_name, key, operation, request_hash, message_id)
    select api_key_name, idempotency_key, 'send', request_hash, id from message
    where idempotency_key is not null order by api_key_name, idempotency_key
    on conflict do nothing
    returning message_id
  ), inserted as (
    insert into messages (
      id, conversation_id, sender_id, direction, type, "from", "to", cc, bcc, reply_to, subject, body, attachments,
      metadata, provider, provider_message_id, segments, "timestamp", payload, created_at)
    select
      id, own[n], senders[n], direction, type, "from", "to", cc, bcc, reply_to, subject, body, attachments,
      metadata, provider, provider_message_id, segments, "timestamp", payload, at
    from message
    where idempotency_key is null or id in (select message_id from first_use)
    on conflict do nothing
    returning id
  ), to_be_delivered as (
    insert into deliveries (
      message_id, conversation_id, channel, status, delivery_key, send_at, expires_at, next_attempt_at, created_at,
      updated_at)
    select
      id, own[n], case when type = 'email' then 'email' else 'sms' end, status, delivery_key, send_at, expires_at,
      case
        when status = 'scheduled' then send_at
        -- Due at once where it is the first of its conversation here ("first") and none is pending there. Limited,
        -- so that it is answered by one look into the index: an EXISTS may read the whole queue.
        when status = 'queued' and first and (
          select true from deliveries as waiting where waiting.conversation_id = own[n] and waiting.pending limit 1
        ) is null then at
      end,
      at, at
    from message join inserted using (id)
    where direction = 'outbound'
  )
  select array_agg(message.id order by n), array_agg(inserted.id is not null order by n) into ids, created
  from message left join inserted using (id);

  update conversations
  set message_count = message_count + added.messages, last_message_at = greatest(last_message_at, at)
  from (
    select id, sum(messages) as messages
    from (
      select own[n] as id, 1 as messages from generate_subscripts(own, 1) as n where created[n]
      union all
      select speakers[n], 0 from generate_subscripts(own, 1) as n where created[n] and speakers[n] <> own[n]
    ) as each_one
    group by id
  ) as added
  -- With the list, the planner expects few rows; without it, the planner reads the whole table.
  where conversations.id = any(locked) and conversations.id = added.id;

  -- The message that was to go first may have been a repeat.
  if false = any(created) then
    -- Conversations that were made here for a repeat, whose first message is in another one. Nobody else has seen them.
    delete from conversation_participants where conversation_id in (
      select id from conversations
      where id = any(own) and message_count = 0 and xmin = pg_current_xact_id()::xid);
    delete from conversations where id = any(own) and message_count = 0 and xmin = pg_current_xact_id()::xid;
    perform activate_next_delivery(own);
  end if;
  return json_build_object(
    'ids', ids, 'created', created, 'own', own, 'senders', senders, 'speakers', speakers, 'created_at', at,
    'made', array(select locked_made[array_position(locked, id)] from unnest(own) with ordinality as message(id, n) order by n));
end $$;
