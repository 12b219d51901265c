-- Completes an erasure whose last step is done, and appends an event for each of its participants. Returns the erasure; null if
-- another process has completed it.
create or replace function complete_erasure(wanted bigint) returns erasures
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  completed erasures;
begin
  update erasures set state = 'completed', addresses = null, completed_at = clock_timestamp()
  where id = wanted and state = 'running' returning * into completed;
  if found then
    perform note_erasure();
    perform append_events(
      array(select 'participant.erased' from unnest(completed.participant_ids)), completed.participant_ids,
      array(select null::bigint from unnest(completed.participant_ids)));
  end if;
  return completed;
end $$;
