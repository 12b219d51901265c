-- Assigns receipts that arrived before the provider's id of their message was known, and applies these receipts.
create or replace function adopt_receipts(ids bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  adopted bigint[];
begin
  with assigned as (
    update delivery_receipts as receipt set message_id = deliveries.message_id
    from deliveries
    where deliveries.message_id = any(ids) and receipt.message_id is null
      and receipt.provider = deliveries.provider and receipt.provider_message_id = deliveries.provider_message_id
    returning deliveries.message_id
  )
  select array_agg(message_id) into adopted from assigned;
  if adopted is not null then
    perform apply_receipts(adopted);
  end if;
end $$;
