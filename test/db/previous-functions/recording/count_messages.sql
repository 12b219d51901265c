-- Adds the inserted messages to the counts of their conversations, and sets the last activity of these and their primary
-- conversations. `locked` has the ids of all of them.
create or replace function count_messages(
  conversation_ids bigint[], primary_ids bigint[], inserted boolean[], locked bigint[], at timestamptz) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  update conversations
  set message_count = message_count + added.messages, last_message_at = greatest(last_message_at, at)
  from (
    select id, sum(messages) as messages
    from (
      select conversation_ids[n] as id, 1 as messages
      from generate_subscripts(conversation_ids, 1) as n where inserted[n]
      union all
      select primary_ids[n], 0
      from generate_subscripts(conversation_ids, 1) as n where inserted[n] and primary_ids[n] <> conversation_ids[n]
    ) as active
    group by id
  ) as added
  -- With the list, the planner expects few rows; without it, the planner reads the whole table.
  where conversations.id = any(locked) and conversations.id = added.id;
end $$;
