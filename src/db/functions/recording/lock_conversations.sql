-- Locks conversations until the commit. Every writer locks in the order of the ids, so that transactions do not deadlock.
-- `is_complete`: the conversation has all of its participants, and none of them was erased. `is_original`: no participant is
-- younger than the conversation; a younger participant has replaced a deleted participant with the same id.
create or replace function lock_conversations(ids bigint[]) returns table (
  id bigint, primary_id bigint, created_at timestamptz, is_complete boolean, is_original boolean)
language plpgsql
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
begin
  return query
  select locked.id, coalesce(merged_into_id, locked.id), locked.created_at::timestamptz,
    cardinality(participant_ids) = stored.participants, coalesce(stored.youngest <= locked.created_at, true)
  from (
    select id, merged_into_id, created_at, participant_ids from conversations
    where id = any(ids) order by id for no key update
  ) as locked
  cross join lateral (
    select count(*) filter (where erased_at is null) as participants, max(participants.created_at) as youngest
    from conversation_participants join participants on participants.id = participant_id
    where conversation_id = locked.id
  ) as stored;
end $$;
