-- Changes the ledger by a request of a recipient (record_opt_outs), whose address is locked. Returns whether an entry has changed.
-- STOP adds an entry with the given scope; START removes the reasons of a STOP from the entry of the channel, and from those of
-- `senders`. A refused call that began before a START adds nothing, and a START that was written before a STOP, and arrives later,
-- removes nothing from the entries of this STOP.
create or replace function apply_opt_out(request json) returns boolean
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  given record;
  changes json;
begin
  select * into given from json_to_record(request) as request(
    account text, address text, address_hash text, sender text, senders text[], action text, occurred_at timestamptz, reason text,
    scope text, is_refusal boolean, recorded_id bigint);
  if given.action = 'help' or given.is_refusal and exists (
    select from opt_outs where address = given.address and action = 'start' and occurred_at > given.occurred_at
  ) then
    return false;
  end if;
  select json_agg(json_build_object(
    'n', row_number, 'change', case given.action when 'stop' then 'add' else 'remove' end,
    'address_hash', given.address_hash, 'address', given.address,
    'channel', case when given.address like '%@%' then 'email' else 'sms' end,
    'scope', entry.scope, 'sender', entry.sender,
    'reasons', case given.action when 'stop' then array[given.reason] else array['stop_keyword', 'provider_opt_out'] end,
    'message_id', given.recorded_id, 'account', given.account))
  into changes
  from (
    -- The ledger has senders in lower case.
    select row_number() over (), scope, lower(sender) as sender
    from (
      select given.scope, case when given.scope = 'sender' then given.sender end as sender where given.action = 'stop'
      union all
      select 'channel', null where given.action = 'start'
      union all
      select 'sender', one from unnest(given.senders) as one where given.action = 'start'
    ) as named
    where given.action = 'stop' or not exists (
      select from opt_outs join messages as stop on stop.id = message_id join messages as own on own.id = given.recorded_id
      where opt_outs.address = given.address and opt_outs.action = 'stop' and source = 'message'
        and (named.scope = 'channel' or lower(opt_outs.sender) = lower(named.sender))
        -- The clock of the provider can be ahead.
        and least(stop."timestamp", stop.created_at) > own."timestamp")
  ) as entry;
  return (select coalesce(bool_or(changed), false) from change_suppressions(changes));
end $$;
