create or replace function settle_deliveries(input json) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  conversations_settled bigint[];
  accepted bigint[];
  provider_ids text[];
  adopted bigint[];
begin
  select array_agg(distinct conversation_id), array_agg(id) filter (where provider_message_id is not null),
    array_agg(provider_message_id) filter (where provider_message_id is not null)
  into conversations_settled, accepted, provider_ids
  from json_to_recordset(input) as attempt(id bigint, conversation_id bigint, provider_message_id text);

  perform lock_provider_message_ids(provider_ids);
  perform from conversations where id = any(conversations_settled) order by id for no key update;

  with attempt as materialized (
    select * from json_to_recordset(input) as attempt(
      id bigint, number int, provider text, started_at timestamptz, duration_ms float8, outcome text, http_status int,
      code text, detail text, provider_message_id text, next_attempt_at timestamptz, status text, error jsonb,
      next_provider text, retries int, may_have_been_sent boolean)
  )
  update deliveries
  set status = attempt.status, error = attempt.error, provider = attempt.next_provider,
      provider_message_id = attempt.provider_message_id, next_attempt_at = attempt.next_attempt_at,
      retry_count = retry_count + attempt.retries, may_have_been_sent = attempt.may_have_been_sent,
      updated_at = statement_timestamp()
  from attempt
  -- Only what this worker still holds: after its lease another one may have claimed the message again.
  where deliveries.message_id = attempt.id and (
    deliveries.status = 'sending' and deliveries.attempt_count = attempt.number
    -- That the provider took it is the answer to what nobody could tell meanwhile.
    or deliveries.status = 'unknown' and attempt.status = 'sent' and deliveries.provider = attempt.provider);

  insert into delivery_attempts as told (message_id, number, provider, started_at, duration_ms, outcome, http_status, code, detail, provider_message_id, next_attempt_at)
  select id, number, provider, started_at, duration_ms, outcome, http_status, code, detail, provider_message_id, next_attempt_at
  from json_to_recordset(input) as attempt(
    id bigint, number int, provider text, started_at timestamptz, duration_ms float8, outcome text, http_status int,
    code text, detail text, provider_message_id text, next_attempt_at timestamptz)
  -- Its message was taken over meanwhile; when the next attempt was due stays as it is.
  on conflict (message_id, number) do update
  set (provider, started_at, duration_ms, outcome, http_status, code, detail, provider_message_id) = row(excluded.provider, excluded.started_at, excluded.duration_ms, excluded.outcome, excluded.http_status, excluded.code, excluded.detail, excluded.provider_message_id)
  where told.duration_ms is null;

  -- Makes the providers that asked for it wait, for everyone.
  insert into rate_limit_slots as slots (name, next_at)
  select provider, statement_timestamp() + max(pause_ms) * interval '1 millisecond'
  from json_to_recordset(input) as attempt(provider text, pause_ms float8)
  where pause_ms > 0 group by provider order by provider
  on conflict (name) do update set next_at = greatest(slots.next_at, excluded.next_at);

  -- The receipts that came before their message's provider id was known.
  with given as (
    update delivery_receipts as receipt set message_id = deliveries.message_id
    from deliveries
    where deliveries.message_id = any(accepted) and receipt.message_id is null
      and receipt.provider = deliveries.provider and receipt.provider_message_id = deliveries.provider_message_id
    returning deliveries.message_id
  )
  select array_agg(message_id) into adopted from given;
  if adopted is not null then
    perform apply_receipts(adopted);
  end if;
  perform activate_next_delivery(conversations_settled);
end $$;
