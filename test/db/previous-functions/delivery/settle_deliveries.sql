-- Settles a batch of attempts: records the attempts, moves their deliveries to the next state, and activates the next
-- deliveries of their conversations. `input` has for each attempt {id, conversation_id, number, provider, started_at,
-- duration_ms, outcome, http_status, code, detail, class, provider_message_id, next_attempt_at, pause_ms} and the next state of its
-- delivery {status, error, next_provider, retries, may_have_been_sent}.
create or replace function settle_deliveries(input json) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  conversation_ids bigint[];
  -- The messages that a provider accepted, and its ids for them.
  accepted bigint[];
  provider_ids text[];
begin
  select array_agg(distinct conversation_id), array_agg(id) filter (where provider_message_id is not null),
    array_agg(provider_message_id) filter (where provider_message_id is not null)
  into conversation_ids, accepted, provider_ids
  from json_to_recordset(input) as attempt(id bigint, conversation_id bigint, provider_message_id text);

  perform lock_provider_message_ids(provider_ids);
  perform from conversations where id = any(conversation_ids) order by id for no key update;

  with attempt as materialized (
    select * from json_to_recordset(input) as attempt(
      id bigint, number int, provider text, provider_message_id text, next_attempt_at timestamptz, status text,
      error jsonb, next_provider text, retries int, may_have_been_sent boolean)
  )
  update deliveries
  set status = attempt.status, error = attempt.error, provider = attempt.next_provider,
      provider_message_id = attempt.provider_message_id, next_attempt_at = attempt.next_attempt_at,
      retry_count = retry_count + attempt.retries, may_have_been_sent = attempt.may_have_been_sent,
      updated_at = statement_timestamp()
  from attempt
  where deliveries.message_id = attempt.id and (
    -- The claim of this worker is current. After the end of its lease, another worker may have claimed the delivery.
    deliveries.status = 'sending' and deliveries.attempt_count = attempt.number
    -- A late result: the provider accepted the message, whose outcome was unknown.
    or deliveries.status = 'unknown' and attempt.status = 'sent' and deliveries.provider = attempt.provider);

  perform record_attempts(input);
  perform pause_accounts(input);
  perform adopt_receipts(accepted);
  perform activate_next_delivery(conversation_ids);
end $$;
