-- Records a batch of messages in one transaction. Messages are numbered from 1 by "n", which is the index into all arrays.
-- `conversation_ids`, `sender_ids` and `conversations_created_at` are the values that the caller has cached, or null.
-- `unknown` has {n, channel, sender, participants, address_types} of each message without a cached conversation.
-- `input` has the columns of all messages. `requests` has the requests of recipients in inbound messages (record_opt_outs), null
-- for a batch without one.
-- Returns {ids, created, conversation_ids, sender_ids, primary_ids, conversations_created_at, created_at}; `created` is
-- false for a repeated message, which changes nothing.
-- Raises MS001 if a cached conversation was deleted from the database.
create or replace function record_messages(
  conversation_ids bigint[], sender_ids bigint[], conversations_created_at timestamptz[], unknown json, input json, requests json)
  returns json
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  found record;
  ids bigint[];
  created boolean[];
  primary_ids bigint[];
  -- One element for each locked conversation.
  locked bigint[];
  locked_primaries bigint[];
  locked_created_at timestamptz[];
  is_complete boolean[];
  is_original boolean[];
  at timestamptz(3);
begin
  -- Step 1: find the conversations that are not cached, and create missing conversations.
  for tries in 1..2 loop
    exit when array_position(conversation_ids, null) is null;
    for found in select * from find_conversations(unknown) loop
      conversation_ids[found.n] := found.conversation_id;
      sender_ids[found.n] := found.sender_id;
    end loop;
    if array_position(conversation_ids, null) is not null then
      perform add_conversations(unknown);
    end if;
  end loop;
  if array_position(conversation_ids, null) is not null then
    raise 'a message has no conversation' using errcode = 'MS001';
  end if;

  -- Step 2: lock the conversations and their primary conversations, and check that the cached values are still valid.
  select array_agg(conversation.id), array_agg(conversation.primary_id), array_agg(conversation.created_at),
    array_agg(conversation.is_complete), array_agg(conversation.is_original)
  into locked, locked_primaries, locked_created_at, is_complete, is_original
  from lock_conversations(conversation_ids || array(
    select merged_into_id from conversations where id = any(conversation_ids) and merged_into_id is not null)) as conversation;
  if exists (
    select from unnest(conversation_ids, conversations_created_at) as cached(id, created_at)
    left join unnest(locked, locked_created_at, is_complete, is_original)
      as stored(id, created_at, is_complete, is_original) using (id)
    where not coalesce(stored.is_complete, false)
      or cached.created_at is not null and (cached.created_at <> stored.created_at or not stored.is_original)
  ) then
    raise 'a cached conversation was deleted' using errcode = 'MS001';
  end if;
  if not locked_primaries <@ locked then
    raise 'conversations were merged before they were locked' using errcode = 'serialization_failure';
  end if;
  primary_ids := case
    when locked_primaries = locked then conversation_ids
    else array(
      select locked_primaries[array_position(locked, id)]
      from unnest(conversation_ids) with ordinality as message(id, n) order by n)
  end;

  -- Step 3: insert. Ids are allocated under the locks, so that messages become visible in the order of their ids.
  at := clock_timestamp();
  select result.ids, result.inserted into ids, created
  from insert_messages(input, conversation_ids, sender_ids, at) as result;
  perform count_messages(conversation_ids, primary_ids, created, locked, at);

  if requests is not null then
    perform record_opt_outs((
      select json_agg(request::jsonb || jsonb_build_object('recorded_id', ids[n]))
      from json_array_elements(requests) as request
      cross join lateral (select (request ->> 'n')::int as n) as index
      where created[n]));
  end if;

  -- Step 4: step 1 may have created a conversation for a repeated message.
  if false = any(created) then
    perform delete_empty_conversations(conversation_ids);
  end if;
  return json_build_object(
    'ids', ids, 'created', created, 'conversation_ids', conversation_ids, 'sender_ids', sender_ids,
    'primary_ids', primary_ids, 'created_at', at,
    'conversations_created_at', array(
      select locked_created_at[array_position(locked, id)]
      from unnest(conversation_ids) with ordinality as message(id, n) order by n));
end $$;
