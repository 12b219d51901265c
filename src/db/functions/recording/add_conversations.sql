-- Creates the missing participants and conversations of messages. `input` has {channel, participants, address_types} of
-- each message.
create or replace function add_conversations(input json) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  added bigint[];
  made_ids bigint[];
begin
  -- The lock on links, until the commit: no other transaction adds the same rows or links participants.
  perform lock_people();
  insert into participants (address, address_type)
  select distinct address, address_type
  from json_to_recordset(input) as message(participants text[], address_types text[])
  cross join lateral unnest(participants, address_types) as given(address, address_type)
  where not exists (select from participants where participants.address = given.address)
  order by address
  on conflict do nothing;

  with wanted as (
    select distinct channel, found.ids
    from json_to_recordset(input) as message(channel text, participants text[])
    cross join lateral (
      select array_agg(id order by id) as ids from participants where address = any(message.participants)
    ) as found
  ), made as (
    insert into conversations (channel, participant_ids)
    select channel, ids from wanted
    where not exists (select from conversations where participant_ids = ids)
    order by ids
    returning id, participant_ids
  ), filled as (
    insert into conversation_participants (conversation_id, participant_id)
    select id, unnest(participant_ids)
    from (
      select id, participant_ids from made
      union all
      select id, participant_ids from wanted join conversations on participant_ids = ids
    ) as conversation
    on conflict do nothing
    returning conversation_id
  )
  select array_agg(distinct conversation_id order by conversation_id), (select array_agg(id order by id) from made)
  into added, made_ids
  from filled;
  if made_ids is not null then
    perform append_events(array_fill('conversation.created'::text, array[cardinality(made_ids)]), made_ids, made_ids);
  end if;

  if exists (
    select from conversation_participants
    join participants on participants.id = participant_id
    where conversation_id = any(added)
      and (person_id is not null or exists (select from participants as alias where alias.person_id = participants.id))
  ) or exists (
    select from conversations where id = any(added) and people_ids is not null
  ) then
    -- A conversation whose deleted participants were added again may have messages, and its group may be obsolete.
    perform regroup_conversations(added, exists (select from messages where conversation_id = any(added)));
  end if;
end $$;
