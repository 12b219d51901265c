-- A step of an erasure: takes the addresses from the participants. After the commit, no participant has the addresses: the next
-- message from or to them creates a new participant.
create or replace function rename_participants(erasure erasures) returns erasures
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  -- No other transaction adds or links participants.
  perform lock_people();
  -- Waits for transactions that record messages of these participants.
  update participants
  set address = 'erased-' || id, address_type = 'other', name = null, external_id = null, metadata = '{}',
      erased_at = clock_timestamp(), updated_at = clock_timestamp()
  where id = any(erasure.participant_ids);
  select coalesce(max(id), 0) into erasure.last_message_id from messages;
  perform note_erasure();
  perform pg_notify('participants_erased', '');
  erasure.step := 'messages';
  return erasure;
end $$;
