-- Ends the fetch of a file: the file is stored as an object, or has failed with an error. After the last file of a message, the event
-- message.media_settled is appended.
-- Returns false, and changes nothing, if the lease of the attempt `attempt` has ended and another attempt has begun or has settled.
create or replace function settle_media_fetch(
  fetched_id bigint, attempt int, stored_object uuid, stored_type text, stored_size bigint, stored_sha256 bytea, stored_name text,
  failure jsonb)
returns boolean
language plpgsql
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  own_message bigint;
  own_conversation bigint;
begin
  -- The files of a message are settled one after another, so that exactly one of them is the last.
  select messages.id, messages.conversation_id into own_message, own_conversation
  from message_media join messages on messages.id = message_media.message_id
  where media_id = fetched_id limit 1 for no key update of messages;

  delete from media_fetches where media_id = fetched_id and attempt_count = attempt and leased;
  if not found then
    -- This call may be a repetition, because the response to the first call was lost.
    return exists (select from media where id = fetched_id and object_id = stored_object);
  end if;
  update media
  set state = case when stored_object is null then 'failed' else 'stored' end,
    object_id = stored_object, content_type = coalesce(stored_type, content_type), size = stored_size, sha256 = stored_sha256,
    name = coalesce(stored_name, name), error = failure, updated_at = clock_timestamp()
  where id = fetched_id;

  if own_message is not null and not exists (
    select from message_media as other join media on media.id = other.media_id
    where other.message_id = own_message and state = 'pending'
  ) then
    perform append_events(array['message.media_settled'], array[own_message], array[own_conversation]);
  end if;
  return true;
end $$;
