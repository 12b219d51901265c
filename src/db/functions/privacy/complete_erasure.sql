-- Completes an erasure whose last step is done, and appends an event for each of its participants.
create or replace function complete_erasure(wanted bigint) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  ids bigint[];
begin
  update erasures set state = 'completed', addresses = null, completed_at = clock_timestamp()
  where id = wanted and state = 'running' returning participant_ids into ids;
  if found then
    perform note_erasure();
    perform append_events(
      array_fill('participant.erased'::text, array[cardinality(ids)]), ids, array_fill(null::bigint, array[cardinality(ids)]));
  end if;
end $$;
