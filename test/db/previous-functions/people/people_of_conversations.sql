-- The person ids of the participants of conversations, ascending, and the ids of these participants. PostgreSQL inlines this
-- function into its callers.
create or replace function people_of_conversations(ids bigint[])
returns table (id bigint, people bigint[], participant_ids bigint[])
language sql stable as $$
  select conversation_id,
    array_agg(distinct coalesce(person_id, participants.id) order by coalesce(person_id, participants.id)),
    array_agg(participants.id order by participants.id)
  from conversation_participants join participants on participants.id = participant_id
  where conversation_id = any(ids) group by conversation_id
$$;
