-- Stores a batch of receipts and applies them. `input` has for each receipt {provider, provider_message_id, status, error,
-- occurred_at, payload, echo}. `echo` is {messageId, deliveryKey}, or null: it finds a message whose provider id is not known
-- yet, because the response to the send is late or lost.
create or replace function store_receipts(input json) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  -- The messages of receipts with an echo, and their conversations.
  echoed bigint[];
  conversation_ids bigint[];
begin
  -- 1. Store the receipts, with their messages as far as the provider's ids are known.
  perform lock_provider_message_ids(array(select provider_message_id from json_to_recordset(input) as receipt(provider_message_id text)));
  insert into delivery_receipts (provider, provider_message_id, message_id, status, error, occurred_at, payload)
  select receipt.provider, receipt.provider_message_id, deliveries.message_id, receipt.status, receipt.error, occurred_at, payload
  from json_to_recordset(input) as receipt(
    provider text, provider_message_id text, status text, error jsonb, occurred_at timestamptz, payload jsonb)
  left join deliveries on deliveries.provider = receipt.provider
    and deliveries.provider_message_id = receipt.provider_message_id
  on conflict do nothing;

  -- 2. An echo proves that the provider accepted the message: no further attempt is made.
  select array_agg(distinct message_id), array_agg(distinct conversation_id) into echoed, conversation_ids
  from json_to_recordset(input) as receipt(echo json)
  join deliveries on message_id = (echo ->> 'messageId')::bigint and delivery_key = (echo ->> 'deliveryKey')::uuid
  where provider_message_id is null;
  if echoed is not null then
    perform from conversations where id = any(conversation_ids) order by id for no key update;
    update deliveries
    set provider = receipt.provider, provider_message_id = receipt.provider_message_id, status = 'sent', error = null,
        next_attempt_at = null, updated_at = statement_timestamp()
    from json_to_recordset(input) as receipt(provider text, provider_message_id text, echo json)
    where message_id = any(echoed) and message_id = (echo ->> 'messageId')::bigint
      and deliveries.provider_message_id is null and deliveries.status in ('queued', 'sending', 'unknown')
      and attempt_count > 0 and coalesce(deliveries.provider, receipt.provider) = receipt.provider;
    update delivery_receipts as receipt set message_id = deliveries.message_id
    from deliveries
    where deliveries.message_id = any(echoed) and receipt.message_id is null
      and receipt.provider = deliveries.provider and receipt.provider_message_id = deliveries.provider_message_id;
    perform activate_next_delivery(conversation_ids);
  end if;

  -- 3. Apply the receipts.
  perform apply_receipts(array(
    select message_id
    from json_to_recordset(input) as receipt(provider text, provider_message_id text, status text)
    join delivery_receipts using (provider, provider_message_id, status)
    where message_id is not null));
end $$;
