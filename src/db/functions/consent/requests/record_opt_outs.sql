-- Records the requests of recipients, and changes the ledger by each that was not recorded before. `input` has for each request
-- {n, account, address, address_hash (hexadecimal), sender, senders, action, keyword, source, provider_message_id, attempt,
-- occurred_at, reason, scope, is_refusal, may_reply} and the message that the ledger names as the source, `recorded_id`.
-- - `senders` are the numbers that a START concerns.
-- - `is_refusal`: a provider refused a call that began at `occurred_at`, because the recipient had opted out.
-- - `may_reply`: whether a request that changes the ledger, and one HELP an hour to each sender, is answered.
-- Without a hash, the request is applied later (apply_recorded_opt_outs). Requests for one address are applied by "n".
create or replace function record_opt_outs(input json) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  -- Max automatic replies to an address in an hour, because each can cost money.
  max_replies constant int := 10;
  given record;
  opt_out_id bigint;
  changed boolean;
begin
  perform lock_opt_outs(array(select address from json_to_recordset(input) as request(address text)));
  for given in
    select * from json_to_recordset(input) as request(
      n int, account text, address text, address_hash text, sender text, senders text[], action text, keyword text, source text,
      provider_message_id text, attempt int, occurred_at timestamptz, reason text, scope text, is_refusal boolean,
      may_reply boolean, recorded_id bigint)
    order by address_hash, n
  loop
    insert into opt_outs (
      account, address, sender, action, keyword, source, provider_message_id, message_id, attempt, occurred_at, applied_at)
    values (
      given.account, given.address, given.sender, given.action, given.keyword, given.source, given.provider_message_id,
      -- A report of the provider is the same request whether its message is recorded or not.
      case when given.source <> 'webhook' then given.recorded_id end,
      given.attempt, coalesce(given.occurred_at, now()),
      case when given.address_hash is not null then statement_timestamp() end)
    on conflict do nothing
    returning id into opt_out_id;
    continue when not found or given.address_hash is null;

    changed := apply_opt_out(to_json(given));
    if given.may_reply and (changed or given.action = 'help' and not exists (
      select from opt_outs
      where address = given.address and sender is not distinct from given.sender and is_answered and action = 'help'
        and occurred_at > now() - interval '1 hour'
    )) and (
      select count(*) from opt_outs
      where address = given.address and is_answered and occurred_at > now() - interval '1 hour'
    ) < max_replies then
      update opt_outs set is_answered = true where id = opt_out_id;
    end if;
  end loop;
end $$;
