-- Returns the conversations among `ids` whose people have changed since they were grouped, and the other members of their
-- groups.
create or replace function stale_groups(ids bigint[]) returns bigint[]
language sql stable
set search_path from current
set enable_seqscan = off as $$
  with current as (
    select id, people from people_of_conversations(ids)
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
