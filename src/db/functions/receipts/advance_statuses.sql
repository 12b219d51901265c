-- Moves recipients of the messages `divided`, and all other messages, to the status of the first receipt that moves them.
-- Only a status other than `delivered` has the error of its receipt, because some providers send a code with every receipt.
create or replace function advance_statuses(receipt_ids bigint[], divided bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  update deliveries
  set status = first.status, updated_at = statement_timestamp(),
      error = case when first.status <> 'delivered' then first.error end
  from (
    select distinct on (receipt.message_id) receipt.message_id, reported_status(receipt.status) as status, receipt.error
    from delivery_receipts as receipt join deliveries as current using (message_id)
    where receipt.id = any(receipt_ids) and receipt.provider = current.provider
      and (divided is null or receipt.message_id <> all(divided))
      and status_after_receipt(current.status, reported_status(receipt.status), channel) <> current.status
      and (receipt.recipient is null
        or exists (select from messages where messages.id = receipt.message_id and receipt.recipient = any("to")))
    order by receipt.message_id, receipt.id
  ) as first
  where deliveries.message_id = first.message_id and deliveries.status <> first.status
    and status_after_receipt(deliveries.status, first.status, channel) = first.status;

  if divided is not null then
    update delivery_recipients as recipient
    set status = first.status, updated_at = statement_timestamp(),
        error = case when first.status <> 'delivered' then first.error end
    from (
      select distinct on (message_id, position) message_id, position, reported_status(receipt.status) as status, receipt.error
      from delivery_receipts as receipt
      join deliveries using (message_id)
      join delivery_recipients as current using (message_id)
      where receipt.id = any(receipt_ids) and receipt.provider = current.provider
        and concerns(receipt, current)
        and status_after_receipt(current.status, reported_status(receipt.status), channel) <> current.status
      order by message_id, position, receipt.id
    ) as first
    where recipient.message_id = first.message_id and recipient.position = first.position;
  end if;
end $$;
