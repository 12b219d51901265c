-- Erases what messages say (erase_stored_contents), so that all processes empty their caches.
create or replace function erase_contents(ids bigint[], with_media boolean) returns json
language plpgsql
set search_path from current as $$
declare
  counts constant json := erase_stored_contents(ids, with_media, true);
begin
  if exists (select from json_each_text(counts) where value <> '0') then
    perform note_erasure();
  end if;
  return counts;
end $$;
