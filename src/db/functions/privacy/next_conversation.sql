-- The erasure with the next conversation of its participants as its position; after the last one, at the start of the step
-- `following`.
create or replace function next_conversation(erasure erasures, following text) returns erasures
language plpgsql stable
set search_path from current
set enable_seqscan = off as $$
begin
  select min(next.id) into erasure.position
  from unnest(erasure.participant_ids) as member(id)
  cross join lateral (
    select conversation_id as id from conversation_participants
    where participant_id = member.id and conversation_id > erasure.position order by conversation_id limit 1
  ) as next;
  if erasure.position is not null then
    erasure.inner_position := 0;
  else
    erasure.step := following;
    erasure.position := 0;
  end if;
  return erasure;
end $$;
