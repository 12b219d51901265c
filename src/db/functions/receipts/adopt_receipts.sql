-- Assigns receipts that arrived before the provider's ids of their messages were known, and returns the receipts.
create or replace function adopt_receipts(message_ids bigint[]) returns bigint[]
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  adopted bigint[];
begin
  with known as (
    select message_id, provider, provider_message_id from deliveries
    where message_id = any(message_ids) and provider_message_id is not null
    union all
    select message_id, provider, provider_message_id from delivery_recipients
    where message_id = any(message_ids) and provider_message_id is not null
  ), assigned as (
    update delivery_receipts as receipt set message_id = known.message_id
    from known
    where receipt.message_id is null and receipt.provider = known.provider
      and receipt.provider_message_id = known.provider_message_id
    returning receipt.id
  )
  select array_agg(id) into adopted from assigned;
  return adopted;
end $$;
