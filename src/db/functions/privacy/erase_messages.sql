-- A step of an erasure: the next messages of the conversations in which the erased participants are. In a conversation with at
-- most one other participant, all messages are erased; in a group, those of the erased participants. In the other messages of a
-- group, the addresses are replaced. `position` of the erasure is the present conversation, `inner_position` its last message that
-- is done; null if all are.
create or replace function erase_messages(erasure erasures, replacements text[], max_messages int) returns erasures
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  -- The conversations of one step; each is locked until the commit.
  conversations_left int := 50;
  conversation conversations;
  is_pair boolean;
  page bigint[];
  own bigint[];
  result record;
begin
  while max_messages > 0 and conversations_left > 0 and not erasure.waits loop
    conversations_left := conversations_left - 1;
    if erasure.inner_position is null then
      erasure := next_conversation(erasure, 'mentions');
      if erasure.step <> 'messages' then
        return erasure;
      end if;
    end if;

    -- A transaction that records a message either commits before this lock, or sees that the participant is erased.
    select * into conversation from conversations where id = erasure.position for no key update;
    select count(*) <= 1 into is_pair
    from unnest(conversation.participant_ids) as member(id) where member.id <> all(erasure.participant_ids);
    if erasure.inner_position = 0 then
      update conversations
      set external_id = case when not is_pair and not is_in_key(external_id, erasure.addresses) then external_id end,
          own_metadata = case
            when is_pair then '{}' else replace_mentions(own_metadata::text, erasure.addresses, replacements)::jsonb end
      where id = conversation.id and (external_id is not null or own_metadata <> '{}');
      -- None of them is claimed while earlier messages are erased.
      erasure.counts := add_counts(erasure.counts, jsonb_build_object('canceled', stop_deliveries(array(
        select message_id from deliveries join messages on messages.id = message_id
        where deliveries.conversation_id = conversation.id and pending
          and (is_pair or sender_id = any(erasure.participant_ids))))));
      perform activate_next_delivery(array[conversation.id]);
    end if;
    page := array(
      select id from messages
      where conversation_id = conversation.id and id > erasure.inner_position order by id limit max_messages);
    own := array(
      select id from messages
      where id = any(page) and (is_pair or sender_id = any(erasure.participant_ids)) order by id);
    select * into result from erase_page(
      own, array(select id from unnest(page) as id where id <> all(own)), erasure.addresses, replacements);
    erasure.waits := result.waits;
    erasure.counts := add_counts(erasure.counts, result.counts);
    erasure.inner_position := coalesce(result.last, erasure.inner_position);
    if cardinality(page) < max_messages and not erasure.waits then
      erasure.inner_position := null;
    end if;
    max_messages := max_messages - cardinality(page);
  end loop;
  return erasure;
end $$;
