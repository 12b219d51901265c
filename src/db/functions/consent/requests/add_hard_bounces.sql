-- Adds the recipients of hard bounces to the ledger. `receipt_ids` are receipts that were assigned to their messages in this
-- transaction. Each message adds an address at most once, and a bounce before a removal of this reason adds nothing. A receipt
-- that does not name one of several recipients is skipped.
create or replace function add_hard_bounces(receipt_ids bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  perform change_suppressions((
    select json_agg(json_build_object(
      'n', row_number, 'change', 'add', 'address_hash', encode(hash, 'hex'), 'address', address, 'channel', 'email',
      'scope', 'channel', 'reasons', array['hard_bounce'], 'message_id', message_id, 'receipt_id', id, 'account', provider))
    from (
      select row_number() over (order by receipt.id), receipt.id, receipt.message_id, receipt.provider, recipient.address,
        recipient_hashes[position] as hash
      from delivery_receipts as receipt
      join deliveries using (message_id)
      join messages on messages.id = receipt.message_id
      cross join lateral unnest("to" || cc || bcc) with ordinality as recipient(address, position)
      where receipt.id = any(receipt_ids) and receipt.bounce = 'hard' and channel = 'email'
        and receipt.provider = deliveries.provider and reported_status(receipt.status) in ('undelivered', 'failed')
        and case
          when receipt.recipient is not null then receipt.recipient = recipient.address
          else cardinality("to" || cc || bcc) = 1 or exists (
            select from delivery_recipients as named
            where named.message_id = receipt.message_id and named.provider_message_id = receipt.provider_message_id
              and named.address = recipient.address)
        end
        and not exists (
          select from suppression_changes as earlier
          where earlier.address_hash = recipient_hashes[position] and reason = 'hard_bounce'
            and (change = 'removed' and earlier.created_at > receipt.occurred_at
              or change = 'added' and earlier.message_id = receipt.message_id))
    ) as bounce
    where hash is not null));
end $$;
