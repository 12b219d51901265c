-- Does the next step of a running erasure. `hashes` are the hashes of its addresses in the ledger; `spellings` has for each
-- address another spelling that texts can have, or null.
-- Returns the state of the erasure after the step: `running`; `waits` if the next step is possible later only; `webhooks` if the
-- caller has to erase the stored webhooks, `files` if it has to remove the content of files and to complete the erasure;
-- `completed`; null if another process does a step.
create or replace function continue_erasure(wanted bigint, hashes bytea[], spellings text[], max_rows int) returns text
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  erasure erasures;
  replacements text[];
begin
  select * into erasure from erasures where id = wanted for update skip locked;
  if not found then
    return null;
  elsif erasure.state = 'completed' then
    return 'completed';
  elsif erasure.step in ('webhooks', 'files') then
    return erasure.step;
  end if;
  replacements := array(select 'erased-' || id from unnest(erasure.participant_ids) with ordinality as erased(id, n) order by n);
  replacements := replacements || array(
    select replacements[n] from unnest(spellings) with ordinality as given(spelling, n) where spelling is not null order by n);
  erasure.addresses := erasure.addresses || array_remove(spellings, null);
  erasure.waits := false;
  erasure := case erasure.step
    when 'participants' then rename_participants(erasure)
    when 'messages' then erase_messages(erasure, replacements, max_rows)
    when 'mentions' then erase_mentions(erasure, replacements, max_rows)
    when 'events' then erase_events(erasure, max_rows)
    when 'receipts' then erase_unassigned_receipts(erasure, replacements, max_rows)
    when 'consent' then erase_consent(erasure, replacements, hashes)
  end;
  update erasures
  set step = erasure.step, position = erasure.position, inner_position = erasure.inner_position, waits = erasure.waits,
      counts = erasure.counts, last_message_id = erasure.last_message_id
  where id = wanted;
  return case when erasure.waits then 'waits' else 'running' end;
end $$;
