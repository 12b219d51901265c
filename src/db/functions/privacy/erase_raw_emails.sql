-- Removes the emails as they arrived, of messages. Returns the number of removed files. A file that a message has as an attachment
-- stays.
create or replace function erase_raw_emails(ids bigint[]) returns int
language plpgsql
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  media_ids bigint[] := array(select raw_media_id from emails where message_id = any(ids) and raw_media_id is not null);
begin
  if cardinality(media_ids) = 0 then
    return 0;
  end if;
  update emails set raw_media_id = null where message_id = any(ids) and raw_media_id is not null;
  return remove_media(media_ids);
end $$;
