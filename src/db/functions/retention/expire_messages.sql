-- Deletes the next messages that are older than `before`. Returns as expire_bodies, with the number of deleted messages.
create or replace function expire_messages(before timestamptz, batch int, out changed int, out remains boolean)
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  ids bigint[];
begin
  select * into ids, remains from take_old_messages('messages', before, batch);
  if ids is null then
    return;
  end if;
  changed := delete_messages(ids);
  perform skip_messages('messages', array(select id from messages where id = any(ids)));
end $$;
