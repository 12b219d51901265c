-- Deletes some receipts that were assigned to no message, and copies of inbound messages, that are older than `before`. Returns
-- whether more remain.
create or replace function expire_unassigned(before timestamptz, batch int) returns boolean
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  receipts int;
  copies int;
begin
  delete from delivery_receipts
  where message_id is null and id = any(array(
    select id from (
      select id, received_at from delivery_receipts where message_id is null order by id limit batch
    ) as oldest where received_at < before));
  get diagnostics receipts = row_count;
  delete from inbound_copies
  where (provider, provider_message_id) in (
    select provider, provider_message_id from inbound_copies
    where created_at < before order by created_at limit batch for update skip locked);
  get diagnostics copies = row_count;
  return receipts = batch or copies = batch;
end $$;
