-- Stores a batch of receipts and applies them. `input` has for each receipt {n, provider, provider_message_id, recipient,
-- of_one, message_id, delivery_key, dedupe_key, status, error, bounce, wire_message_id, occurred_at, payload}. `message_id` and
-- `delivery_key` are the echo, which finds a message whose provider id is not known yet because the response to the send is late
-- or lost. Returns the stored receipt of each `n`; a repeated receipt is stored once.
create or replace function store_receipts(input json) returns table (
  n int, provider text, provider_message_id text, recipient text, message_id bigint, status text, error jsonb, bounce text,
  occurred_at timestamptz, received_at timestamptz)
language plpgsql
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  -- The receipts that this call assigns to their messages.
  assigned bigint[];
  accepted bigint[];
  has_echo boolean;
begin
  if exists (select from erasures) then
    -- A running erasure may be replacing the addresses of these messages.
    if exists (select from erasures where state = 'running') then
      perform lock_receipts(input);
    end if;
    input := with_erased_recipients(input);
  end if;
  -- 1. Store the receipts, with their messages as far as these are known.
  perform lock_provider_message_ids(array(
    select provider_message_id from json_to_recordset(input) as receipt(provider_message_id text)
    where provider_message_id is not null));
  with stored as (
    insert into delivery_receipts (
      provider, provider_message_id, recipient, of_one, delivery_key, dedupe_key, message_id, status, error, bounce,
      wire_message_id, occurred_at, payload)
    select receipt.provider, receipt.provider_message_id, receipt.recipient, coalesce(receipt.of_one, false),
      receipt.delivery_key, receipt.dedupe_key,
      coalesce(by_key.message_id, by_id.message_id, by_recipient_id.message_id),
      receipt.status, receipt.error, receipt.bounce, receipt.wire_message_id, receipt.occurred_at, receipt.payload
    from json_to_recordset(input) as receipt(
      n int, provider text, provider_message_id text, recipient text, of_one boolean, message_id bigint, delivery_key uuid,
      dedupe_key text, status text, error jsonb, bounce text, wire_message_id text, occurred_at timestamptz, payload jsonb)
    -- The oldest of the messages to which a faulty provider gave the same id. `+ 0` keeps the planner from the primary key.
    left join lateral (
      select message_id from deliveries
      where provider = receipt.provider and provider_message_id = receipt.provider_message_id
      order by message_id + 0 limit 1
    ) as by_id on true
    left join lateral (
      select message_id from delivery_recipients
      where provider = receipt.provider and provider_message_id = receipt.provider_message_id limit 1
    ) as by_recipient_id on true
    left join deliveries as by_key on by_key.message_id = receipt.message_id and by_key.delivery_key = receipt.delivery_key
    order by receipt.n
    on conflict do nothing
    returning id, message_id, delivery_key
  )
  select array_agg(id) filter (where message_id is not null), bool_or(delivery_key is not null) into assigned, has_echo
  from stored;

  -- 2. An echo proves that the provider accepted the message.
  if has_echo then
    accepted := record_acceptances(input);
    if accepted is not null then
      assigned := assigned || adopt_receipts(accepted, false);
    end if;
  end if;

  -- 3. Apply the receipts.
  if assigned is not null then
    perform apply_receipts(assigned);
  end if;

  return query
  select receipt.n, stored.provider, stored.provider_message_id, stored.recipient, stored.message_id, stored.status,
    stored.error, stored.bounce, stored.occurred_at::timestamptz, stored.received_at::timestamptz
  from json_to_recordset(input) as receipt(
    n int, provider text, provider_message_id text, recipient text, dedupe_key text, status text)
  cross join lateral (
    select * from delivery_receipts as own
    where receipt.dedupe_key is null and own.provider = receipt.provider
      and own.provider_message_id = receipt.provider_message_id and own.status = receipt.status
      and own.recipient is not distinct from receipt.recipient and own.dedupe_key is null
    union all
    select * from delivery_receipts as own
    where own.provider = receipt.provider and own.dedupe_key = receipt.dedupe_key
  ) as stored
  order by receipt.n;
end $$;
