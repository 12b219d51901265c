-- Erases what messages say: bodies, subjects, headers, names, metadata, payloads, and the texts of errors; the email as it
-- arrived; with `with_media` also their files and the URLs of these; with `with_responses` also what endpoints answered to their
-- events. Addresses, times, statuses, counts, codes and ids stay. A message that is still to be sent is skipped. Erasing again
-- changes nothing.
-- Returns how many messages, receipts, events and files were erased: {messages, receipts, events, media}. The objects of the files
-- are in removed_objects. The retention calls this function: no process has cached what is as old.
create or replace function erase_stored_contents(ids bigint[], with_media boolean, with_responses boolean) returns json
language plpgsql
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  ended bigint[];
  messages_erased int;
  texts record;
  raw_removed int;
  media_removed int := 0;
begin
  -- Deliveries, then messages, each in the order of the ids, as every transaction locks them.
  perform from deliveries where message_id = any(ids) order by message_id for no key update;
  ended := array(
    select id from messages
    where id = any(ids) and not exists (
      select from deliveries where message_id = messages.id and status in ('scheduled', 'queued', 'sending'))
    order by id for no key update);

  update messages
  set body = '', subject = null, reply_to = null, payload = null, metadata = '{}', redacted_at = clock_timestamp()
  where id = any(ended) and redacted_at is null;
  get diagnostics messages_erased = row_count;
  select * into texts from erase_texts(ended, with_responses);
  raw_removed := erase_raw_emails(ended);
  update emails set text = null, stripped_text = null, headers = null, names = null, spam = null
  where message_id = any(ended) and num_nonnulls(text, stripped_text, headers, names, spam) > 0;
  if with_media then
    media_removed := erase_media(ended, null);
  end if;

  return json_build_object('messages', messages_erased, 'receipts', texts.receipts, 'events', texts.events,
    'media', raw_removed + media_removed);
end $$;
