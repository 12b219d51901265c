-- Erases the texts of errors in the events of messages with `with_errors`, and what endpoints answered to these events with
-- `with_responses`, for which it reads all events of the conversations. Returns the number of events that were changed.
create or replace function erase_event_texts(ids bigint[], with_errors boolean, with_responses boolean) returns int
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  events int := 0;
  changed int;
begin
  -- The inbox first: an event that is moved to the feed meanwhile is found there by the later statement.
  if with_errors then
    update event_inbox set changes = jsonb_set(changes, '{error,detail}', 'null')
    where subject_id = any(ids) and (type like 'message.%' or type like 'recipient.%') and changes #>> '{error,detail}' is not null;
    get diagnostics events = row_count;
    -- By events_error_detail_idx.
    update events set changes = jsonb_set(changes, '{error,detail}', 'null')
    where subject_id = any(ids) and conversation_id is not null and (type like 'message.%' or type like 'recipient.%')
      and changes #>> '{error,detail}' is not null;
    get diagnostics changed = row_count;
    events := events + changed;
  end if;
  -- Only failed attempts have a text: an endpoint may have returned the event that it received.
  if with_responses and exists (select from endpoint_attempts where outcome = 'failed') then
    perform erase_responses(array(
      select event.id
      from events as event join messages on messages.id = event.subject_id and messages.conversation_id = event.conversation_id
      where messages.id = any(ids) and (event.type like 'message.%' or event.type like 'recipient.%')));
  end if;
  return events;
end $$;
