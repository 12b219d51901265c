-- Settles a batch of attempts: records the attempts, moves their deliveries to the next state, and activates the next
-- deliveries of their conversations. `input` has for each attempt {id, conversation_id, number, provider, started_at,
-- duration_ms, outcome, http_status, code, detail, class, provider_message_id, next_attempt_at, pause_ms} and the next state of its
-- delivery {status, error, next_provider, accounts, retries, may_have_been_sent}; optionally `recipients`, with the provider's ids for
-- each recipient {address, provider_message_id}, `wire_message_id`, by which the provider replaced the Message-ID of an email, and
-- `partly_sent` with `refused` (settle_recipients).
create or replace function settle_deliveries(input json) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  conversation_ids bigint[];
  -- The messages that a provider accepted, and its ids for them.
  accepted bigint[];
  provider_ids text[];
  has_recipients boolean;
  has_partly_sent boolean;
  has_opt_outs boolean;
  has_wire_ids boolean;
  settled int;
  adopted bigint[];
begin
  select array_agg(distinct conversation_id), array_agg(id) filter (where provider_message_id is not null),
    array_agg(provider_message_id) filter (where provider_message_id is not null), bool_or(recipients is not null),
    bool_or(partly_sent), bool_or(class = 'opted_out' and code is distinct from 'recipient_suppressed' or refused is not null),
    bool_or(wire_message_id is not null)
  into conversation_ids, accepted, provider_ids, has_recipients, has_partly_sent, has_opt_outs, has_wire_ids
  from json_to_recordset(input) as attempt(
    id bigint, conversation_id bigint, provider_message_id text, recipients json, partly_sent boolean, refused json, class text,
    code text, wire_message_id text);

  perform lock_provider_message_ids(provider_ids || case when has_recipients then recipient_ids(input) end);
  perform from conversations where id = any(conversation_ids) order by id for no key update;
  if has_partly_sent then
    input := settle_recipients(input);
  end if;

  with attempt as materialized (
    select * from json_to_recordset(input) as attempt(
      id bigint, number int, provider text, provider_message_id text, next_attempt_at timestamptz, status text,
      error jsonb, next_provider text, accounts text[], retries int, may_have_been_sent boolean)
  )
  update deliveries
  set status = attempt.status, error = attempt.error, provider = attempt.next_provider,
      accounts = attempt.accounts,
      -- A message that waits for an attempt has an id only if it is partly sent.
      provider_message_id = coalesce(attempt.provider_message_id, deliveries.provider_message_id),
      next_attempt_at = attempt.next_attempt_at,
      retry_count = retry_count + attempt.retries, may_have_been_sent = attempt.may_have_been_sent,
      updated_at = statement_timestamp()
  from attempt
  where deliveries.message_id = attempt.id
    -- The claim of this worker is current. After the end of its lease, another worker may have claimed the delivery.
    and deliveries.status = 'sending' and deliveries.attempt_count = attempt.number;

  get diagnostics settled = row_count;
  if settled < json_array_length(input) and accepted is not null then
    -- A late result: the provider accepted the message, so the result of a later attempt does not matter.
    perform record_pending_attempts(array(
      select message_id
      from json_to_recordset(input) as attempt(id bigint, number int, provider text, status text, partly_sent boolean)
      join deliveries on message_id = id
      where (deliveries.provider_message_id is null or partly_sent) and attempt.status = 'sent' and deliveries.status = 'sending'
        and attempt.number < attempt_count and coalesce(deliveries.provider, attempt.provider) = attempt.provider
      order by message_id for no key update of deliveries));
    update deliveries
    set status = 'sent', error = null, provider = attempt.provider, provider_message_id = attempt.provider_message_id,
        next_attempt_at = null, may_have_been_sent = true, updated_at = statement_timestamp()
    from json_to_recordset(input) as attempt(
      id bigint, number int, provider text, provider_message_id text, status text, partly_sent boolean)
    where deliveries.message_id = attempt.id and (deliveries.provider_message_id is null or partly_sent) and attempt.status = 'sent'
      and (deliveries.status = 'unknown' or deliveries.status in ('queued', 'sending') and attempt.number < attempt_count)
      and coalesce(deliveries.provider, attempt.provider) = attempt.provider;
    -- A receipt with only the delivery key came before the result of its attempt.
    update deliveries set provider_message_id = attempt.provider_message_id
    from json_to_recordset(input) as attempt(id bigint, number int, provider text, provider_message_id text)
    where deliveries.message_id = attempt.id and deliveries.provider_message_id is null
      and deliveries.status in ('sent', 'delivered', 'undelivered') and deliveries.provider = attempt.provider
      and deliveries.attempt_count = attempt.number;
  end if;
  if has_recipients then
    perform record_recipient_ids(input);
  end if;

  if has_wire_ids then
    perform add_wire_message_ids(array_agg(id), array_agg(wire_message_id))
    from json_to_recordset(input) as attempt(id bigint, wire_message_id text) where wire_message_id is not null;
  end if;
  perform record_attempts(input);
  if settled < json_array_length(input) then
    perform erase_late_texts(array(select id from json_to_recordset(input) as attempt(id bigint)));
  end if;
  if has_opt_outs then
    perform record_send_opt_outs(input);
  end if;
  perform pause_accounts(input);
  adopted := adopt_receipts(accepted, has_recipients);
  if adopted is not null then
    perform apply_receipts(adopted);
  end if;
  perform activate_next_delivery(conversation_ids);
end $$;
