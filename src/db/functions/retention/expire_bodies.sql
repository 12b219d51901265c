-- Erases the content, except the files, of the next messages that are older than `before`. Returns the number of erased messages,
-- and whether more remain; null if another transaction has the task.
create or replace function expire_bodies(before timestamptz, batch int, out changed int, out remains boolean)
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  ids bigint[];
begin
  select * into ids, remains from take_old_messages('bodies', before, batch);
  if ids is null then
    return;
  end if;
  ids := array(select id from messages where id = any(ids) and redacted_at is null);
  changed := erase_stored_contents(ids, false, true) ->> 'messages';
  perform skip_messages('bodies', array(select id from messages where id = any(ids) and redacted_at is null));
end $$;
