-- Applies receipts that were assigned to their messages in this transaction. A receipt that names a stranger, or that is from
-- another account than the account that accepted the message, changes nothing.
create or replace function apply_receipts(ids bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  -- Messages that have a status for each recipient.
  divided bigint[];
  -- Receipts that may follow a receipt of the same batch that reports `delivered`.
  second bigint[];
begin
  select array_agg(distinct receipt.message_id) filter (where by_recipient),
    array_agg(receipt.id) filter (where channel = 'email' and reported_status(receipt.status) = 'undelivered')
  into divided, second
  from delivery_receipts as receipt
  join deliveries using (message_id)
  cross join lateral (
    select exists (select from delivery_recipients where message_id = receipt.message_id)
      or receipt.recipient is not null and exists (
        select from messages where messages.id = receipt.message_id and cardinality("to" || cc || bcc) > 1
          and receipt.recipient = any("to" || cc || bcc)) as by_recipient
  ) as scope
  where receipt.id = any(ids) and receipt.provider = deliveries.provider;

  if divided is not null then
    perform add_recipients(divided);
    perform set_recipient_ids(ids);
  end if;
  perform advance_statuses(ids, divided);
  if second is not null then
    perform advance_statuses(second, divided);
  end if;
  if divided is not null then
    perform summarise_recipients(divided);
  end if;
end $$;
