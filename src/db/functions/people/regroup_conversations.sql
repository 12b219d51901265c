-- Computes the people of conversations, and the primary conversation of each set of people, which is the oldest. The caller
-- holds the lock on links. `with_activity` also sets the last activity of the primary conversations.
create or replace function regroup_conversations(ids bigint[], with_activity boolean default false) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  -- All conversations of the affected groups, and the new primary conversation of each.
  members bigint[];
  targets bigint[];
  -- The conversations whose primary conversation changes, and the new ones; null for a conversation that is primary.
  moved bigint[];
  moved_into bigint[];
  -- The primary conversations that gain or lose members.
  primaries bigint[] := '{}';
begin
  with current as (
    select id, people from people_of_conversations(ids)
  ), concerned as (
    select coalesce(people_ids, participant_ids) as people from conversations where id = any(ids)
    union
    select people from current
  ), member as (
    select id, people from current
    union all
    select id, people from concerned cross join lateral conversations_with_people(people) as grouped(id)
    where id not in (select unnest(ids))
  ), target as (
    select id, nullif(min(id) over (partition by people), id) as primary_id from member
  )
  select array_agg(id), array_agg(primary_id) into members, targets from target;

  select array_agg(id), array_agg(primary_id),
    array_agg(coalesce(merged_into_id, id)) || array_agg(coalesce(primary_id, id))
  into moved, moved_into, primaries
  from unnest(members, targets) as target(id, primary_id) join conversations using (id)
  -- With the list, the planner expects few rows; without it, the planner reads the whole table.
  where conversations.id = any(members) and merged_into_id is distinct from primary_id;

  -- Locked in the order of the ids, as in every transaction that writes. A transaction that allocates an id for a message in
  -- one of these conversations either commits before this lock, or reads the new primary conversation.
  perform from conversations
  where id = any(ids || moved) or (with_activity and id = any(primaries))
  order by id for no key update;

  update conversations set people_ids = found.people_ids
  from (
    select id, nullif(people, participant_ids) as people_ids from people_of_conversations(ids)
  ) as found
  where conversations.id = any(ids) and conversations.id = found.id
    and conversations.people_ids is distinct from found.people_ids;

  update conversations set merged_into_id = found.primary_id
  from unnest(moved, moved_into) as found(id, primary_id)
  where conversations.id = any(moved) and conversations.id = found.id;
  perform append_events(
    array_agg('conversation.merged'::text), array_agg(merged.id), array_agg(merged.id))
  from unnest(moved, moved_into) as merged(id, primary_id) where primary_id is not null
  having count(*) > 0;

  if with_activity then
    update conversations set last_message_at = activity.at
    from (
      select coalesce(member.merged_into_id, member.id) as id, max(coalesce(last.created_at, member.created_at)) as at
      from (
        select id, merged_into_id, created_at from conversations where id = any(primaries)
        union
        select id, merged_into_id, created_at from conversations where merged_into_id = any(primaries)
      ) as member
      left join lateral (
        select created_at from messages where conversation_id = member.id order by messages.id desc limit 1
      ) as last on true
      group by 1
    ) as activity
    where conversations.id = any(primaries) and conversations.id = activity.id and merged_into_id is null;
  end if;
end $$;
