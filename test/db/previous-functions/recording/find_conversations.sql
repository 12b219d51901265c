-- Finds the conversations of messages by their participants: `input` has {n, sender, participants} of each message.
-- Skips conversations without all of their participants, which an operator deleted.
create or replace function find_conversations(input json) returns table (n int, conversation_id bigint, sender_id bigint)
language plpgsql stable
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
begin
  return query
  select message.n, conversations.id, people.sender_id
  from json_to_recordset(input) as message(n int, sender text, participants text[])
  cross join lateral (
    select array_agg(id order by id) as ids, max(id) filter (where address = sender) as sender_id
    from participants where address = any(message.participants)
  ) as people
  join conversations
    on participant_ids = people.ids and cardinality(people.ids) = cardinality(message.participants)
  where cardinality(participant_ids) = (
    select count(*) from conversation_participants where conversation_id = conversations.id);
end $$;
