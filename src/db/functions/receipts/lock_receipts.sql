-- Locks all rows that several calls of store_receipts in one transaction need: provider message ids, then conversations, then
-- deliveries, each in the order of the ids, as every transaction does, so that they do not deadlock. Without this, a later call would
-- lock a conversation after an earlier call has locked deliveries. `input` has for each receipt {provider, provider_message_id,
-- message_id, delivery_key}.
create or replace function lock_receipts(input json) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  perform lock_provider_message_ids(array(
    select provider_message_id from json_to_recordset(input) as receipt(provider_message_id text)
    where provider_message_id is not null));

  -- Of the messages whose acceptance a receipt proves (record_acceptances).
  perform from conversations
  where id = any(array(
    select conversation_id
    from json_to_recordset(input) as receipt(message_id bigint, delivery_key uuid)
    join deliveries using (message_id, delivery_key)
    where deliveries.provider_message_id is null))
  order by id for no key update;

  perform from deliveries
  where message_id = any(array(
    select message_id
    from json_to_recordset(input) as receipt(message_id bigint, delivery_key uuid)
    join deliveries using (message_id, delivery_key)
    union all
    select deliveries.message_id
    from json_to_recordset(input) as receipt(provider text, provider_message_id text)
    join deliveries using (provider, provider_message_id)
    union all
    select recipient.message_id
    from json_to_recordset(input) as receipt(provider text, provider_message_id text)
    join delivery_recipients as recipient using (provider, provider_message_id)))
  order by message_id for no key update;
end $$;
