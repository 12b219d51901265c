-- Stores the provider's ids of recipients that receipts name. The id of the message is not an id of a recipient.
create or replace function set_recipient_ids(receipt_ids bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  update delivery_recipients as recipient set provider_message_id = receipt.provider_message_id
  from delivery_receipts as receipt join deliveries using (message_id)
  where receipt.id = any(receipt_ids) and recipient.message_id = receipt.message_id and recipient.address = receipt.recipient
    and recipient.provider = receipt.provider and recipient.provider_message_id is null
    and receipt.provider_message_id is distinct from deliveries.provider_message_id;
end $$;
