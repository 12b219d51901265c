-- Moves recipients of the messages `with_recipients`, and all other messages, to the status of the first receipt that moves
-- them. Only a status other than `delivered` has the error of its receipt, because some providers send a code with every
-- receipt. The caller has locked the deliveries.
create or replace function advance_statuses(receipt_ids bigint[], with_recipients bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  update deliveries
  set status = change.status, updated_at = statement_timestamp(),
      error = case when change.status <> 'delivered' then change.error end
  from (
    select distinct on (receipt.message_id) receipt.message_id, reported_status(receipt.status) as status, receipt.error
    from delivery_receipts as receipt join deliveries as current using (message_id)
    where receipt.id = any(receipt_ids) and receipt.provider = current.provider
      and (with_recipients is null or receipt.message_id <> all(with_recipients))
      and status_after_receipt(current.status, reported_status(receipt.status), channel) <> current.status
      and (receipt.recipient is null and not of_one
        or exists (
          select from messages where messages.id = receipt.message_id
            and case when receipt.recipient is null then cardinality("to" || cc || bcc) = 1 else receipt.recipient = any("to") end))
    order by receipt.message_id, receipt.id
  ) as change
  where deliveries.message_id = change.message_id;

  if with_recipients is not null then
    update delivery_recipients as recipient
    set status = change.status, updated_at = statement_timestamp(),
        error = case when change.status <> 'delivered' then change.error end
    from (
      select distinct on (message_id, position) message_id, position, reported_status(receipt.status) as status, receipt.error
      from delivery_receipts as receipt
      join deliveries using (message_id)
      join delivery_recipients as current using (message_id)
      where receipt.id = any(receipt_ids) and receipt.provider = current.provider
        and concerns(receipt, current)
        and status_after_receipt(current.status, reported_status(receipt.status), channel) <> current.status
      order by message_id, position, receipt.id
    ) as change
    where recipient.message_id = change.message_id and recipient.position = change.position;
  end if;
end $$;
