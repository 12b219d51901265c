-- Records that the provider accepted messages, as their receipts with an echo prove: no further attempt is made. `input` is
-- that of store_receipts. Returns the messages whose provider id was not known.
create or replace function record_acceptances(input json) returns bigint[]
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  accepted bigint[];
  conversation_ids bigint[];
  -- Messages that this call moves to `sent`.
  moved bigint[];
begin
  select array_agg(distinct message_id), array_agg(distinct conversation_id) into accepted, conversation_ids
  from json_to_recordset(input) as receipt(message_id bigint, delivery_key uuid)
  join deliveries using (message_id, delivery_key)
  where deliveries.provider_message_id is null;
  if accepted is null then
    return null;
  end if;
  perform from conversations where id = any(conversation_ids) order by id for no key update;

  moved := array(
    select message_id
    from json_to_recordset(input) as receipt(message_id bigint, delivery_key uuid, provider text)
    join deliveries using (message_id, delivery_key)
    where message_id = any(accepted) and deliveries.status in ('queued', 'sending', 'unknown')
      and attempt_count > 0 and coalesce(deliveries.provider, receipt.provider) = receipt.provider
    order by message_id for no key update of deliveries);
  perform record_pending_attempts(moved);
  update deliveries
  set provider = receipt.provider, status = 'sent', error = null, next_attempt_at = null, updated_at = statement_timestamp()
  from json_to_recordset(input) as receipt(message_id bigint, delivery_key uuid, provider text)
  where deliveries.message_id = any(moved) and deliveries.message_id = receipt.message_id
    and deliveries.delivery_key = receipt.delivery_key
    and coalesce(deliveries.provider, receipt.provider) = receipt.provider;

  -- The id in a receipt of one recipient of a group may be the id for this recipient.
  update deliveries set provider_message_id = receipt.provider_message_id
  from json_to_recordset(input) as receipt(
    message_id bigint, delivery_key uuid, provider text, provider_message_id text, recipient text)
  where deliveries.message_id = any(accepted) and deliveries.message_id = receipt.message_id
    and deliveries.delivery_key = receipt.delivery_key and deliveries.provider = receipt.provider
    and deliveries.provider_message_id is null and receipt.provider_message_id is not null
    and deliveries.status in ('sent', 'delivered', 'undelivered')
    and (receipt.recipient is null
      or exists (select from messages where id = receipt.message_id and cardinality("to" || cc || bcc) = 1));
  perform activate_next_delivery(conversation_ids);
  return accepted;
end $$;
