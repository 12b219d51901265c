-- Records the media of messages that insert_messages has inserted; `input`, `ids` and `inserted` are those of this function.
-- The attachments of an inbound message are to be fetched, at most `max_media` of them; until then they have the type and the name
-- that the provider has declared. `media_ids` names stored media, with a content id and a name of their own or null.
create or replace function record_media(input json, ids bigint[], inserted boolean[], at timestamptz) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  max_media constant int := 100;
  removed_id bigint;
begin
  with attachment as materialized (
    select ids[n] as message_id, position, url, content_type, name, provider, nextval('media_id_seq') as media_id
    from json_to_recordset(input) as message(
      n int, direction text, attachments text[], attachment_types text[], attachment_names text[], provider text)
    cross join lateral unnest(attachments, attachment_types, attachment_names) with ordinality
      as attachment(url, content_type, name, position)
    where direction = 'inbound' and inserted[n] and position <= max_media
  ), added as (
    insert into media (id, state, content_type, name, source_url, account, created_at, updated_at)
    overriding system value
    select media_id, 'pending', content_type, name, url, provider, at, at from attachment
  ), queued as (
    insert into media_fetches (media_id, account, next_attempt_at, created_at) select media_id, provider, at, at from attachment
  )
  insert into message_media (message_id, position, media_id)
  select message_id, position, media_id from attachment;
  if found then
    perform pg_notify('media_due', '');
  end if;

  -- A message has either attachments to fetch or stored media.
  insert into message_media (message_id, position, media_id, content_id, name)
  select ids[n], position, media_id, content_id, name
  from json_to_recordset(input) as message(n int, media_ids bigint[], content_ids text[], media_names text[])
  cross join lateral unnest(media_ids, content_ids, media_names) with ordinality
    as named(media_id, content_id, name, position)
  where media_ids is not null and inserted[n];
  if not found then
    return;
  end if;
  -- A file can be erased after the message was checked. The caller sees the error of a file that was deleted.
  select media.id into removed_id
  from json_to_recordset(input) as message(n int, media_ids bigint[])
  join media on media.id = any(media_ids)
  where inserted[n] and state = 'removed' limit 1;
  if found then
    raise 'media % was erased', removed_id using errcode = 'foreign_key_violation',
      constraint = 'message_media_media_id_fkey', detail = format('Key (media_id)=(%s) was erased.', removed_id);
  end if;
end $$;
