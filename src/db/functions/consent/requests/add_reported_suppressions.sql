-- Adds the recipients of emails to the ledger whose receipts report a hard bounce, a complaint or an unsubscribe. The receipts were
-- assigned to their messages in this transaction. Each message adds a reason for an address at most once, and a report that is
-- older than a removal of this reason adds nothing.
create or replace function add_reported_suppressions(receipt_ids bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  perform change_suppressions((
    select json_agg(json_build_object(
      'n', row_number, 'change', 'add', 'address_hash', encode(address_hash, 'hex'), 'address', address, 'channel', 'email',
      'scope', 'channel', 'reasons', array[reason], 'message_id', message_id, 'receipt_id', receipt_id, 'account', provider))
    from (
      select row_number() over (order by receipt_id), receipt_id, message_id, provider, address, address_hash, reason
      from (
        -- The first report of a batch: the entry names its receipt.
        select distinct on (receipt.message_id, address_hash, reason) receipt_id, receipt.message_id, receipt.provider, address,
          address_hash, reason
        from concerned_recipients(receipt_ids)
        join delivery_receipts as receipt on receipt.id = receipt_id
        cross join lateral (
          select case
            when receipt.status = 'complained' then 'complaint'
            when receipt.status = 'unsubscribed' then 'unsubscribe'
            when bounce = 'hard' and reported_status(receipt.status) in ('undelivered', 'failed') then 'hard_bounce'
          end as reason
        ) as reported
        where reason is not null and address_hash is not null
          and not exists (
            select from suppression_changes as earlier
            where earlier.address_hash = concerned_recipients.address_hash and earlier.reason = reported.reason
              and (change = 'removed' and earlier.created_at > receipt.occurred_at
                or change = 'added' and earlier.message_id = receipt.message_id))
        order by receipt.message_id, address_hash, reason, receipt_id
      ) as first
    ) as numbered));
end $$;
