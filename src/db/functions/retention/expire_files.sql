-- Removes the files of the next messages that are older than `before`. A file that a younger message has is removed with the file
-- of that message. Returns as expire_bodies, with the number of removed files.
create or replace function expire_files(before timestamptz, batch int, out changed int, out remains boolean)
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  ids bigint[];
  waiting bigint[];
begin
  select * into ids, remains from take_old_messages('media', before, batch);
  if ids is null then
    return;
  end if;
  ids := array(
    select id from messages
    where id = any(ids) and (attachments <> '{}'
      or exists (select from message_media where message_id = messages.id)
      or exists (select from emails where message_id = messages.id and raw_media_id is not null)));
  -- As in erase_stored_contents: deliveries, then messages.
  perform from deliveries where message_id = any(ids) order by message_id for no key update;
  perform from messages where id = any(ids) order by id for no key update;
  waiting := array(
    select message_id from deliveries where message_id = any(ids) and status in ('scheduled', 'queued', 'sending'));
  perform skip_messages('media', waiting);
  ids := array(select id from unnest(ids) as id where id <> all(waiting));
  changed := erase_raw_emails(ids) + erase_media(ids, before);
end $$;
