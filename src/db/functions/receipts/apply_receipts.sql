-- Applies receipts that were assigned to their messages in this transaction. A receipt that names a stranger, or that is from
-- another account than the account that accepted the message, changes nothing.
create or replace function apply_receipts(ids bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  -- Messages that have a status for each recipient.
  with_recipients bigint[];
  -- Receipts that may follow a receipt of the same batch that reports `delivered`.
  bounces bigint[];
  -- Whether an email bounced, or a receipt reports a mark.
  has_reports boolean;
  has_wire_ids boolean;
begin
  -- Receipts of one message are applied one transaction after the other: while one transaction adds the recipients, a receipt
  -- of the whole message would not find them. All transactions lock in the order of the ids, so that they do not deadlock.
  perform from deliveries
  where message_id = any(array(select message_id from delivery_receipts where id = any(ids)))
  order by message_id for no key update;
  if exists (
    select from messages
    where id = any(array(select message_id from delivery_receipts where id = any(ids))) and redacted_at is not null
  ) then
    perform erase_late_texts(array(select message_id from delivery_receipts where id = any(ids)));
  end if;

  select array_agg(distinct receipt.message_id) filter (where has_recipients),
    array_agg(receipt.id) filter (where channel = 'email' and reported_status(receipt.status) = 'undelivered'),
    bool_or(channel = 'email' and (
      bounce = 'hard' or reported_mark(receipt.status) is not null or reported_status(receipt.status) = 'undelivered')),
    bool_or(receipt.wire_message_id is not null)
  into with_recipients, bounces, has_reports, has_wire_ids
  from delivery_receipts as receipt
  join deliveries using (message_id)
  cross join lateral (
    select exists (select from delivery_recipients where message_id = receipt.message_id)
      or receipt.recipient is not null and exists (
        select from messages where messages.id = receipt.message_id and cardinality("to" || cc || bcc) > 1
          and receipt.recipient = any("to" || cc || bcc)) as has_recipients
  ) as scope
  where receipt.id = any(ids) and receipt.provider = deliveries.provider;

  if with_recipients is not null then
    perform add_recipients(with_recipients);
    perform set_recipient_ids(ids);
  end if;
  perform advance_statuses(ids, with_recipients);
  if bounces is not null then
    perform advance_statuses(bounces, with_recipients);
  end if;
  if with_recipients is not null then
    perform summarise_recipients(with_recipients);
  end if;
  if has_wire_ids then
    perform add_wire_message_ids(array_agg(message_id), array_agg(wire_message_id))
    from (
      select distinct message_id, receipt.wire_message_id
      from delivery_receipts as receipt join deliveries using (message_id)
      where receipt.id = any(ids) and receipt.wire_message_id is not null and receipt.provider = deliveries.provider
    ) as named;
  end if;
  if has_reports then
    perform record_marks(ids);
    perform add_reported_suppressions(ids);
  end if;
end $$;
