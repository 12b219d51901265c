-- Applies requests that functions of the previous version have recorded. `input` has {id, address_hash (hexadecimal), scope} of each
-- row of opt_outs. A later request that was applied already replaces an earlier one, so that the order of the ids decides.
create or replace function apply_recorded_opt_outs(input json) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  given record;
begin
  perform lock_opt_outs(array(
    select address from json_to_recordset(input) as recorded(id bigint) join opt_outs using (id)));
  for given in
    select opt_outs.*, recorded.address_hash, recorded.scope as stop_scope
    from json_to_recordset(input) as recorded(id bigint, address_hash text, scope text)
    join opt_outs using (id)
    where applied_at is null
    order by id
  loop
    if not exists (
      select from opt_outs as later
      where address = given.address and id > given.id and applied_at is not null and action in ('stop', 'start')
        and (given.stop_scope = 'channel' or given.sender is null or sender is null or sender = given.sender)
    ) then
      perform apply_opt_out(json_build_object(
        'account', given.account, 'address', given.address, 'address_hash', given.address_hash, 'sender', given.sender,
        'senders', array_remove(array[given.sender], null), 'action', given.action, 'occurred_at', given.occurred_at,
        'reason', 'provider_opt_out', 'scope', case when given.sender is null then 'channel' else given.stop_scope end,
        'is_refusal', given.source = 'send', 'recorded_id', given.message_id));
    end if;
    update opt_outs set applied_at = statement_timestamp() where id = given.id;
  end loop;
end $$;
