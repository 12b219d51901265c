-- Deletes those of the files that no message has, with their objects. Returns their number.
create or replace function remove_media(media_ids bigint[]) returns int
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  removed int;
begin
  -- A transaction that gives the files to a message holds a lock on them, by the foreign keys of message_media and emails.
  perform from media where id = any(media_ids) order by id for update;
  with deleted as (
    delete from media
    where id = any(media_ids)
      and not exists (select from message_media where media_id = media.id)
      and not exists (select from emails where raw_media_id = media.id)
    returning object_id
  ), added as (
    insert into removed_objects (id) select object_id from deleted where object_id is not null
  )
  select count(*) into removed from deleted;
  return removed;
end $$;
