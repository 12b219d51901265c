-- Erases the payloads of receipts, and the texts of errors, of messages whose deliveries the caller has locked; with
-- `with_responses` also the responses of endpoints, for which it reads all events of the conversations. Codes and statuses stay.
-- Returns the number of receipts and of events that were changed.
create or replace function erase_texts(ids bigint[], with_responses boolean, out receipts int, out events int)
language plpgsql
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  -- Whether an event of the messages can have a text.
  has_texts boolean;
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
  events := erase_event_texts(ids, has_texts, with_responses);
end $$;
