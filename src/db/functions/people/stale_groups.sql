-- Returns the conversations among `ids` whose people have changed since they were grouped, and the other members of their
-- groups.
create or replace function stale_groups(ids bigint[]) returns bigint[]
language sql stable
set search_path from current
set enable_seqscan = off as $$
  with current as (
    select conversation_id as id,
      array_agg(distinct coalesce(person_id, participants.id) order by coalesce(person_id, participants.id)) as people
    from conversation_participants join participants on participants.id = participant_id
    where conversation_id = any(ids) group by conversation_id
  ), stale as (
    select id, coalesce(people_ids, participant_ids) as people from conversations join current using (id)
    where id = any(ids) and coalesce(people_ids, participant_ids) <> current.people
  )
  select array_agg(distinct id) from (
    select id from stale
    union all
    select grouped.id from (select distinct people from stale) as old
    cross join lateral conversations_with_people(people) as grouped(id)
  ) as conversation
$$;
