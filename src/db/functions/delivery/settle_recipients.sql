-- Records the recipients whom an attempt has reached, or who were refused for good, of the attempts with `partly_sent`: a provider
-- accepted this attempt, or an earlier attempt, for some of the recipients only (settle_deliveries). A recipient without a row waits
-- for another attempt and has the status of the message. `refused` has {address, is_open, error} for each refused recipient.
-- Returns the input, in which the state after the last attempt of a message is the summary of its recipients.
create or replace function settle_recipients(input json) returns json
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  -- The messages whose attempt is not late, and the messages of which the provider refused all recipients of the attempt.
  current bigint[];
  ended bigint[];
  -- The messages whose acceptance a receipt has proved before.
  proved bigint[];
  errors jsonb[];
  summaries json;
begin
  current := array(
    select message_id
    from json_to_recordset(input) as attempt(id bigint, number int, partly_sent boolean)
    join deliveries on message_id = id
    where partly_sent and status = 'sending' and attempt_count = number
    order by message_id for no key update of deliveries);

  -- 1. An accepted attempt, which may be late.
  insert into delivery_recipients (message_id, position, address, status, error, provider)
  select message_id, n, recipient.address, case when refusal.address is null then 'sent' else 'failed' end, refusal.error,
    attempt.provider
  from json_to_recordset(input) as attempt(
    id bigint, number int, provider text, outcome text, refused json, partly_sent boolean)
  join deliveries on message_id = attempt.id
  join messages on messages.id = message_id
  cross join lateral unnest("to" || cc || bcc) with ordinality as recipient(address, n)
  left join lateral (
    select * from json_to_recordset(coalesce(refused, '[]')) as refused(address text, is_open boolean, error jsonb)
    where refused.address = recipient.address limit 1
  ) as refusal on true
  where partly_sent and outcome = 'accepted' and refusal.is_open is not true
    and (message_id = any(current)
      or coalesce(deliveries.provider, attempt.provider) = attempt.provider
        and (status = 'unknown' or status in ('queued', 'sending') and number < attempt_count))
  on conflict do nothing;

  -- 2. A late result for some recipients: the message is partly sent from now on.
  update deliveries set provider_message_id = attempt.provider_message_id, accounts = array[attempt.provider]
  from json_to_recordset(input) as attempt(
    id bigint, number int, provider text, provider_message_id text, outcome text, status text, partly_sent boolean)
  where message_id = attempt.id and partly_sent and outcome = 'accepted' and attempt.status = 'queued'
    and message_id <> all(current) and deliveries.provider_message_id is null
    and deliveries.provider = attempt.provider
    and (deliveries.status = 'unknown' or deliveries.status in ('queued', 'sending') and number < attempt_count);

  -- 3. No further attempt follows a proved acceptance, so that every refused recipient is `failed`.
  proved := array(
    select message_id
    from json_to_recordset(input) as attempt(id bigint, number int, provider text, outcome text, partly_sent boolean)
    join deliveries on message_id = id
    where partly_sent and outcome = 'accepted' and deliveries.provider = attempt.provider and attempt_count = number
      and status in ('sent', 'delivered', 'undelivered')
    order by message_id for no key update of deliveries);
  if cardinality(proved) > 0 then
    perform add_recipients(proved);
    update delivery_recipients as recipient
    set status = 'failed', error = refusal.error, updated_at = statement_timestamp()
    from json_to_recordset(input) as attempt(id bigint, refused json)
    cross join lateral json_to_recordset(coalesce(refused, '[]')) as refusal(address text, error jsonb)
    where attempt.id = any(proved) and recipient.message_id = attempt.id and recipient.address = refusal.address
      and recipient.status = 'sent';
    perform summarise_recipients(proved);
  end if;

  -- 4. The last attempt of a message.
  select array_agg(id), array_agg(error) into ended, errors
  from json_to_recordset(input) as attempt(id bigint, outcome text, status text, error jsonb, partly_sent boolean)
  where partly_sent and status = 'failed' and id = any(current);
  if ended is null then
    return input;
  end if;
  select json_object_agg(message_id, json_build_object('status', status, 'error', error)) into summaries
  from fail_open_recipients(ended, errors);
  return (
    select json_agg(coalesce((attempt.value::jsonb || (summaries -> (attempt.value ->> 'id'))::jsonb)::json, attempt.value) order by n)
    from json_array_elements(input) with ordinality as attempt(value, n));
end $$;
