-- Removes the media that no message has and that are older than `age`, among the `page` media after the id `after`. `last`: the
-- last of these media; null after the last page. `objects`: the objects of the removed media, which the caller removes from the store.
create or replace function remove_unused_media(after bigint, page int, age interval, out last bigint, out objects uuid[])
language plpgsql
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  locked bigint[];
begin
  select max(id) into last from (select id from media where id > after order by id limit page) as examined;
  -- A transaction that gives media to a message holds a lock on them, by the foreign keys of message_media and emails: they are skipped.
  select array_agg(id) into locked from (
    select id from media
    where id > after and id <= last and created_at < now() - age
      and not exists (select from message_media where media_id = media.id)
      and not exists (select from emails where raw_media_id = media.id)
    for update skip locked
  ) as unused;
  -- Checks again: a transaction that gives media to a message may have ended just before the lock. No such transaction can begin now.
  with removed as (
    delete from media where id = any(locked)
      and not exists (select from message_media where media_id = media.id)
      and not exists (select from emails where raw_media_id = media.id)
    returning object_id
  )
  select coalesce(array_agg(object_id) filter (where object_id is not null), '{}') into objects from removed;
end $$;
