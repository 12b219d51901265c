-- A step of an erasure: the addresses and notes in the ledger, and the addresses in the requests of recipients. The entries stay by
-- their hashes. A request that has not changed the ledger yet is waited for.
create or replace function erase_consent(erasure erasures, replacements text[], hashes bytea[]) returns erasures
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  perform lock_opt_outs(erasure.addresses);
  erasure.waits := exists (select from opt_outs where address = any(erasure.addresses) and applied_at is null);
  if erasure.waits then
    return erasure;
  end if;
  update opt_outs set address = replacements[array_position(erasure.addresses, address)]
  where address = any(erasure.addresses);
  perform from suppressions where address_hash = any(hashes) order by address_hash, scope, sender for update;
  update suppressions set address = null, note = null where address_hash = any(hashes);
  update suppression_changes set address = null, note = null where address_hash = any(hashes);
  perform erase_responses(array(
    select id from events
    where conversation_id is null and type like 'suppression.%'
      and subject_id in (select id from suppression_changes where address_hash = any(hashes))
    union all
    select id from events
    where conversation_id is null and type like 'participant.%' and subject_id = any(erasure.participant_ids)));
  erasure.step := 'files';
  return erasure;
end $$;
