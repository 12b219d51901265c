-- Appends events to the feed, in the order of the arrays, in the transaction of the change. Readers see the events after the
-- commit, when sequence_events has given them positions.
create or replace function append_events(
  types text[], subject_ids bigint[], conversation_ids bigint[], changes jsonb[] default null) returns void
language plpgsql
set search_path from current as $$
begin
  -- The transaction has an id before the first id of an event is allocated, on which old_gaps_xid depends.
  perform pg_current_xact_id();
  insert into event_inbox (type, subject_id, conversation_id, changes)
  select type, subject_id, conversation_id, change
  from unnest(types, subject_ids, conversation_ids, changes) with ordinality
    as event(type, subject_id, conversation_id, change, n)
  order by n;
end $$;
