-- Erases the payloads of receipts, and the texts of errors and of the responses of endpoints, of messages whose deliveries the caller
-- has locked. Codes and statuses stay. Returns the number of receipts and of events that were changed.
create or replace function erase_texts(ids bigint[], out receipts int, out events int)
language plpgsql
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  -- Whether an event of the messages can have a text.
  has_texts boolean;
  -- Only failed attempts have a text.
  has_attempts boolean := exists (select from endpoint_attempts where outcome = 'failed');
  conversation_ids bigint[];
  event_ids bigint[];
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
  if not has_texts and not has_attempts then
    return;
  end if;

  -- The inbox first: an event that is moved to the feed meanwhile is found there by the later statement.
  if has_texts then
    update event_inbox set changes = jsonb_set(changes, '{error,detail}', 'null')
    where subject_id = any(ids) and (type like 'message.%' or type like 'recipient.%') and changes #>> '{error,detail}' is not null;
    get diagnostics events = row_count;
  end if;
  conversation_ids := array(select distinct conversation_id from messages where id = any(ids));
  event_ids := array(
    select event.id
    from events as event join unnest(ids) as message(id) on message.id = event.subject_id
    where event.conversation_id = any(conversation_ids) and (event.type like 'message.%' or event.type like 'recipient.%'));
  if has_texts then
    update events set changes = jsonb_set(changes, '{error,detail}', 'null')
    where id = any(event_ids) and changes #>> '{error,detail}' is not null;
    get diagnostics changed = row_count;
    events := events + changed;
  end if;
  -- An endpoint may have returned the event that it received.
  update endpoint_attempts as attempt set response_body = null, detail = null
  from endpoints
  where attempt.endpoint_id = endpoints.id and event_id = any(event_ids)
    and num_nonnulls(response_body, detail) > 0;
end $$;
