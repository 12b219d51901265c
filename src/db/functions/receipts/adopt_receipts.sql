-- Assigns receipts that arrived before the provider's ids of their messages were known, and returns the receipts.
-- `have_recipients`: some of the messages have ids for their recipients.
-- `coalesce` keeps the planner from the index of receipts without a message, which can be many.
create or replace function adopt_receipts(message_ids bigint[], have_recipients boolean) returns bigint[]
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  adopted bigint[];
  of_recipients bigint[];
begin
  with assigned as (
    update delivery_receipts as receipt set message_id = deliveries.message_id
    from deliveries
    where deliveries.message_id = any(message_ids) and coalesce(receipt.message_id, 0) = 0
      and receipt.provider = deliveries.provider and receipt.provider_message_id = deliveries.provider_message_id
    returning receipt.id
  )
  select array_agg(id) into adopted from assigned;
  if have_recipients then
    with assigned as (
      update delivery_receipts as receipt set message_id = recipient.message_id
      from delivery_recipients as recipient
      where recipient.message_id = any(message_ids) and coalesce(receipt.message_id, 0) = 0
        and receipt.provider = recipient.provider and receipt.provider_message_id = recipient.provider_message_id
      returning receipt.id
    )
    select array_agg(id) into of_recipients from assigned;
  end if;
  return adopted || of_recipients;
end $$;
