-- The recipients of emails that receipts are about. A receipt names the address or has the provider's id of the recipient, or its
-- message has one recipient. A receipt that names none of several recipients, a stranger, or a message that another account sent,
-- is about no recipient.
create or replace function concerned_recipients(receipt_ids bigint[])
  returns table (receipt_id bigint, message_id bigint, "position" smallint, address text, address_hash bytea)
language plpgsql stable
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
begin
  return query
  select receipt.id, receipt.message_id, recipient.position::smallint, recipient.address, recipient_hashes[recipient.position]
  from delivery_receipts as receipt
  join deliveries using (message_id)
  join messages on messages.id = receipt.message_id
  cross join lateral unnest("to" || cc || bcc) with ordinality as recipient(address, position)
  where receipt.id = any(receipt_ids) and channel = 'email' and receipt.provider = deliveries.provider
    and case
      when receipt.recipient is not null then receipt.recipient = recipient.address
      else cardinality("to" || cc || bcc) = 1 or exists (
        select from delivery_recipients as named
        where named.message_id = receipt.message_id and named.provider_message_id = receipt.provider_message_id
          and named.position = recipient.position)
    end;
end $$;
