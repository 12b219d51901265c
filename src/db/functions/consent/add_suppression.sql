-- Adds a reason to an entry of the ledger, which is made if there is none (change_suppressions). Returns whether the entry has
-- changed.
create or replace function add_suppression(input json) returns boolean
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  given constant suppressions := json_populate_record(null::suppressions, (input::jsonb - 'address_hash')::json);
  hash constant bytea := decode(input ->> 'address_hash', 'hex');
  added constant text := input -> 'reasons' ->> 0;
  entry suppressions;
begin
  loop
    insert into suppressions (
      address_hash, address, channel, scope, sender, reasons, message_id, receipt_id, account, actor, note)
    values (
      hash, given.address, given.channel, given.scope, given.sender, array[added], given.message_id, given.receipt_id,
      given.account, given.actor, given.note)
    on conflict on constraint suppressions_key do nothing
    returning * into entry;
    exit when found;

    select * into entry from suppressions
    where address_hash = hash and scope = given.scope and sender is not distinct from given.sender for update;
    -- Otherwise another transaction has removed the entry.
    continue when not found;
    -- The note of an entry is that of its first reason.
    if add_reason(entry.reasons, added) = entry.reasons
      and (given.note is null or given.note is not distinct from entry.note or entry.reasons[1] <> added) then
      return false;
    end if;
    update suppressions
    set reasons = add_reason(reasons, added), address = coalesce(address, given.address), updated_at = statement_timestamp()
    where id = entry.id returning * into entry;
    if entry.reasons[1] = added then
      update suppressions
      set message_id = given.message_id, receipt_id = given.receipt_id, account = given.account, actor = given.actor,
          note = given.note
      where id = entry.id;
    end if;
    exit;
  end loop;
  perform record_suppression_change(entry, 'added', added, input);
  return true;
end $$;
