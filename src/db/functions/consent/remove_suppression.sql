-- Removes reasons from an entry of the ledger, or all reasons if `reasons` is null (change_suppressions). An entry without reasons
-- is removed. Returns whether the entry has changed.
create or replace function remove_suppression(input json) returns boolean
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  given constant suppressions := json_populate_record(null::suppressions, (input::jsonb - 'address_hash')::json);
  entry suppressions;
  removed text[];
  remaining text[];
  reason text;
begin
  select * into entry from suppressions
  where address_hash = decode(input ->> 'address_hash', 'hex') and scope = given.scope
    and sender is not distinct from given.sender for update;
  removed := array(
    select one from unnest(entry.reasons) with ordinality as present(one, n)
    where given.reasons is null or one = any(given.reasons) order by n);
  if removed = '{}' then
    return false;
  end if;
  remaining := array(
    select one from unnest(entry.reasons) with ordinality as present(one, n) where one <> all(removed) order by n);
  if remaining = '{}' then
    delete from suppressions where id = entry.id;
  else
    -- The entry shows where the strongest of its reasons comes from.
    update suppressions
    set reasons = remaining, updated_at = statement_timestamp(), message_id = source.message_id, receipt_id = source.receipt_id,
        account = source.account, actor = source.actor, note = source.note
    from (
      select message_id, receipt_id, account, actor, note from suppression_changes
      where address_hash = entry.address_hash and suppression_id = entry.id and change = 'added'
        and suppression_changes.reason = remaining[1]
      order by id desc limit 1
    ) as source
    where suppressions.id = entry.id;
  end if;
  entry.reasons := remaining;
  foreach reason in array removed loop
    perform record_suppression_change(entry, 'removed', reason, input);
  end loop;
  return true;
end $$;
