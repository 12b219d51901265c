-- Whether a receipt of a message concerns one of its recipients: the receipt names the address, or has the provider's id of
-- the recipient, or names neither. Then it concerns all recipients; a receipt `of_one` concerns the only recipient, and nobody of
-- several. Without SET, so that the planner inlines it.
create or replace function concerns(receipt delivery_receipts, recipient delivery_recipients) returns boolean
language sql stable as $$
  select case
    when receipt.recipient is not null then receipt.recipient = recipient.address
    when receipt.of_one then receipt.provider_message_id = recipient.provider_message_id or not exists (
      select from delivery_recipients as other
      where other.message_id = receipt.message_id and other.position <> recipient.position)
    else receipt.provider_message_id is not distinct from recipient.provider_message_id or not exists (
      select from delivery_recipients as named
      where named.message_id = receipt.message_id and named.provider_message_id = receipt.provider_message_id)
  end
$$;
