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

  -- Of the messages whose acceptance a receipt proves (record_acceptances). `offset 0` makes the planner read one message for each
  -- receipt, however small the tables were when the plan was made.
  perform from conversations
  where id = any(array(
    select conversation_id
    from json_to_recordset(input) as receipt(message_id bigint, delivery_key uuid)
    cross join lateral (
      select conversation_id from deliveries
      where message_id = receipt.message_id and delivery_key = receipt.delivery_key and provider_message_id is null offset 0
    ) as of_key))
  order by id for no key update;

  perform from deliveries
  where message_id = any(array(
    select found.message_id
    from json_to_recordset(input) as receipt(
      provider text, provider_message_id text, message_id bigint, delivery_key uuid)
    cross join lateral (
      select message_id from deliveries
      where message_id = receipt.message_id and delivery_key = receipt.delivery_key
      union all
      select message_id from deliveries
      where provider = receipt.provider and provider_message_id = receipt.provider_message_id
      union all
      select message_id from delivery_recipients
      where provider = receipt.provider and provider_message_id = receipt.provider_message_id
      offset 0
    ) as found))
  order by message_id for no key update;
end $$;
