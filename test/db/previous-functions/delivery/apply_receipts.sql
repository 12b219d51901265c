-- Moves deliveries to the status of their receipts. A status only moves forward, in any order of the receipts. A final
-- status never changes. Unknown statuses of a provider change nothing. Only a message that was not delivered gets the error
-- of its receipt, because some providers send a code with every receipt.
create or replace function apply_receipts(ids bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  update deliveries
  set status = best.status, updated_at = statement_timestamp(),
      error = case when best.status in ('undelivered', 'failed') then best.error end
  from (
    select distinct on (receipt.message_id) receipt.message_id, receipt.status, receipt.error
    from delivery_receipts as receipt
    -- Excludes receipts of an earlier send if the message was sent again.
    join deliveries as sent
      on sent.message_id = receipt.message_id and sent.provider_message_id = receipt.provider_message_id
    where receipt.message_id = any(ids)
      and receipt.status in ('queued', 'sent', 'delivered', 'undelivered', 'failed')
    order by receipt.message_id, status_rank(receipt.status) desc, receipt.id
  ) as best
  where deliveries.message_id = best.message_id and status_rank(best.status) > status_rank(deliveries.status);
end $$;
