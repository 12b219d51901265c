-- Records the recipients that a provider refused because they have opted out, and adds them to the ledger. `input` has {id, number,
-- provider, outcome, class, code, started_at, stop_scope, refused} for each settled attempt; `refused` has {address, error} for each
-- refused recipient of an accepted message. A refused message with several recipients is skipped, because the refusal names none of
-- them.
create or replace function record_send_opt_outs(input json) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  perform record_opt_outs((
    select json_agg(json_build_object(
      'n', number, 'account', attempt.provider, 'address', address, 'address_hash', encode(recipient_hashes[position], 'hex'),
      'sender', "from", 'action', 'stop', 'reason', 'provider_opt_out', 'scope', coalesce(stop_scope, 'channel'),
      'source', 'send', 'recorded_id', id, 'attempt', number, 'occurred_at', started_at, 'is_refusal', true))
    from json_to_recordset(input) as attempt(
      id bigint, number int, provider text, outcome text, class text, code text, started_at timestamptz, stop_scope text,
      refused json)
    join messages using (id)
    join deliveries on message_id = id
    cross join lateral (
      select "to"[1] as address, 1 as position
      where outcome = 'rejected' and class = 'opted_out' and code is distinct from 'recipient_suppressed'
        and cardinality("to" || cc || bcc) = 1
      union all
      select refusal.address, array_position("to" || cc || bcc, refusal.address)
      from json_to_recordset(coalesce(refused, '[]')) as refusal(address text, error json)
      where error ->> 'class' = 'opted_out'
    ) as recipient
    where position is not null));
end $$;
