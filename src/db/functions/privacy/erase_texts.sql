-- Erases the payloads of receipts, and the texts of errors, of messages whose deliveries the caller has locked; with `with_responses` also
-- the responses of endpoints, for which it reads all events of the conversations. Codes and statuses stay. Returns the number of receipts and of events that were changed.
create or replace function erase_texts(ids bigint[], with_responses boolean, out receipts int, out events int)
language plpgsql
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  -- Whether an event of the messages can have a text.
  has_texts boolean;
  changed int;
begin
  has_texts :=
    exists (select from deliveries where message_id = any(ids) and error ->> 'detail' is not null)
    or exists (select from delivery_attempts where message_id = any(ids) and detail is not null)
    or exists (select from delivery_recipients where message_id = any(ids) and error ->> 'detail' is not null)
    or exists (select from delivery_receipts where message_id = any(ids) and error ->> 'detail' is not null);
  update deliveries set error = jsonb_set(error, '{detail}', 'null')
  where message_id = any(ids) and error ->> 'detail' is not null;
  update delivery_recipients set error = jsonb_set(error, '{detail}', 'null')
  where message_id = any(ids) and error ->> 'detail' is not null;
  update delivery_attempts set detail = null where message_id = any(ids) and detail is not null;
  update delivery_receipts
  set payload = '{}', error = case when error ->> 'detail' is null then error else jsonb_set(error, '{detail}', 'null') end
  where message_id = any(ids) and (payload <> '{}' or error ->> 'detail' is not null);
  get diagnostics receipts = row_count;
  events := 0;
  -- The inbox first: an event that is moved to the feed meanwhile is found there by the later statement.
  if has_texts then
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
end $$;
