-- Deletes messages with everything that belongs to them, except the suppressions that they have caused. Conversations stay. A
-- message is skipped if it is still to be sent, or if a request of its recipient has not changed the ledger yet. Returns the
-- number of deleted messages.
create or replace function delete_messages(ids bigint[]) returns int
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  ended bigint[];
  media_ids bigint[];
begin
  -- Conversations, deliveries, then messages, each in the order of the ids, as every transaction locks them.
  perform from conversations
  where id = any(array(select conversation_id from messages where id = any(ids))) order by id for no key update;
  perform from deliveries where message_id = any(ids) order by message_id for update;
  ended := array(
    select id from messages
    where id = any(ids)
      and not exists (
        select from deliveries where message_id = messages.id and status in ('scheduled', 'queued', 'sending'))
      and not exists (select from opt_outs where message_id = messages.id and applied_at is null)
    order by id for update);
  if cardinality(ended) = 0 then
    return 0;
  end if;

  media_ids := array(
    select media_id from message_media where message_id = any(ended)
    union
    select raw_media_id from emails where message_id = any(ended) and raw_media_id is not null);
  update conversations set message_count = greatest(0, message_count - deleted.messages)
  from (
    select conversation_id, count(*)::int as messages from messages where id = any(ended) group by conversation_id
  ) as deleted
  where id = conversation_id;
  delete from opt_outs where message_id = any(ended);
  delete from delivery_actions where message_id = any(ended);
  delete from delivery_attempts where message_id = any(ended);
  delete from delivery_receipts where message_id = any(ended);
  delete from deliveries where message_id = any(ended);
  delete from messages where id = any(ended);
  if cardinality(media_ids) > 0 then
    perform remove_media(media_ids);
  end if;
  return cardinality(ended);
end $$;
