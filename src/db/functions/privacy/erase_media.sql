-- Removes the files of messages, and the URLs of their attachments. A file that any other message has is only taken from the
-- messages. With `keep_from`, a file stays with all its messages if one of them is not older than this time or is still to be
-- sent.
-- Returns the number of removed files.
create or replace function erase_media(ids bigint[], keep_from timestamptz) returns int
language plpgsql
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  media_ids bigint[] := array(select distinct media_id from message_media where message_id = any(ids));
  kept bigint[];
  message_ids bigint[];
  removed int;
begin
  -- A transaction that gives the files to a message holds a lock on them, by the foreign keys of message_media and emails.
  perform from media where id = any(media_ids) order by id for update;
  kept := array(
    select named.id from unnest(media_ids) as named(id)
    where exists (
      select from message_media as other join messages on messages.id = other.message_id
      where other.media_id = named.id and messages.id <> all(ids)
        and (keep_from is null or messages.created_at >= keep_from or exists (
          select from deliveries where message_id = messages.id and status in ('scheduled', 'queued', 'sending')))
    ) or exists (select from emails where raw_media_id = named.id and message_id <> all(ids)));
  if keep_from is null then
    delete from message_media where message_id = any(ids) and media_id = any(kept);
  end if;
  media_ids := array(select id from unnest(media_ids) as id where id <> all(kept));

  -- A message shows its files only with its attachments.
  message_ids := array(
    select holder.id
    from unnest(ids || array(select message_id from message_media where media_id = any(media_ids))) as holder(id)
    where not exists (select from message_media where message_id = holder.id and media_id = any(kept)));
  update messages set attachments = '{}' where id = any(message_ids) and attachments <> '{}';
  update emails set url_files = null where message_id = any(message_ids) and url_files is not null;
  update message_media set name = null, content_id = null
  where media_id = any(media_ids) and num_nonnulls(name, content_id) > 0;
  delete from media_fetches where media_id = any(media_ids);
  insert into removed_objects (id) select object_id from media where id = any(media_ids) and object_id is not null;
  update media
  set state = 'removed', object_id = null, sha256 = null, name = null, source_url = null, error = null,
    updated_at = clock_timestamp()
  where id = any(media_ids) and state <> 'removed';
  get diagnostics removed = row_count;
  return removed;
end $$;
