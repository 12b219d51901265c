-- The input of store_receipts in which receipts name erased recipients by their present address. A receipt that names a recipient
-- who was erased since has the hash of the address (`recipient_hash`), and loses its payload, the text of its error and that of
-- its dedupe key.
create or replace function with_erased_recipients(input json) returns json
language sql stable
set search_path from current
set enable_seqscan = off as $$
  select json_agg(case
    when erased.address is null then receipt
    else receipt || jsonb_build_object(
      'recipient', erased.address, 'payload', '{}'::jsonb,
      'error', case when jsonb_typeof(receipt -> 'error') = 'object' then receipt -> 'error' || '{"detail": null}' end,
      'dedupe_key', encode(sha256(convert_to(receipt ->> 'dedupe_key', 'UTF8')), 'hex')) end order by n)
  from jsonb_array_elements(input::jsonb) with ordinality as given(receipt, n)
  left join lateral (
    select named.address
    from (
      select message_id from deliveries
      where message_id = (receipt ->> 'message_id')::bigint and delivery_key = (receipt ->> 'delivery_key')::uuid
      union all
      (select message_id from deliveries
      where provider = receipt ->> 'provider' and provider_message_id = receipt ->> 'provider_message_id' order by message_id + 0 limit 1)
      union all
      (select message_id from delivery_recipients
      where provider = receipt ->> 'provider' and provider_message_id = receipt ->> 'provider_message_id' limit 1)
    ) as found
    join deliveries using (message_id) join messages on messages.id = message_id
    cross join lateral unnest("to" || cc || bcc, recipient_hashes) as named(address, hash)
    where is_erased(named.address) and hash = decode(receipt ->> 'recipient_hash', 'hex')
    limit 1
  ) as erased on receipt ->> 'recipient_hash' is not null
$$;
