-- A step of an erasure: the texts of errors in the next events of the conversations, and what endpoints answered to these events.
-- `position` of the erasure is the present conversation, `inner_position` the last event that is done.
create or replace function erase_events(erasure erasures, max_events int) returns erasures
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  page bigint[];
begin
  if erasure.inner_position is null then
    erasure := next_conversation(erasure, 'receipts');
    if erasure.step <> 'events' then
      return erasure;
    end if;
    -- An event that gets its position meanwhile is among the events then.
    update event_inbox set changes = jsonb_set(changes, '{error,detail}', 'null')
    where conversation_id = erasure.position and changes #>> '{error,detail}' is not null;
  end if;
  page := array(
    select id from events
    where conversation_id = erasure.position and id > erasure.inner_position order by id limit max_events);
  update events set changes = jsonb_set(changes, '{error,detail}', 'null')
  where id = any(page) and changes #>> '{error,detail}' is not null;
  perform erase_responses(page);
  erasure.inner_position := case when cardinality(page) < max_events then null else page[cardinality(page)] end;
  return erasure;
end $$;
