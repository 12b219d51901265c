-- The conversations of a set of people. PostgreSQL inlines this function into its callers.
create or replace function conversations_with_people(people bigint[]) returns setof bigint
language sql stable as $$
  select id from conversations where people_ids = people
  union all
  select id from conversations where participant_ids = people and people_ids is null
$$;
