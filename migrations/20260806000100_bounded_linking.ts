import type { Knex } from 'knex';

/**
 * Linking regroups conversations in bounded steps. The participants whose conversations have still to be regrouped are
 * rows of `pending_regroupings`, so that any process can continue after a crash.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table pending_regroupings (
      participant_id bigint primary key references participants on delete cascade,
      -- The participant's conversations up to this id are done.
      done_up_to bigint not null default 0
    );
    drop index conversations_people_ids_idx;
    create index conversations_people_ids_idx on conversations (people_ids, id) where people_ids is not null;
    drop function regroup_conversations;
  `);
  await knex.raw(CONVERSATIONS_WITH_PEOPLE);
  await knex.raw(REGROUP_CONVERSATIONS);
  await knex.raw(CONTINUE_REGROUPING);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    do $$ begin while continue_regrouping(1000, null) loop end loop; end $$;
    drop function continue_regrouping, regroup_conversations, conversations_with_people;
    drop table pending_regroupings;
    drop index conversations_people_ids_idx;
    create index conversations_people_ids_idx on conversations (people_ids) where people_ids is not null;
  `);
  await knex.raw(PREVIOUS_REGROUP_CONVERSATIONS);
}

const CONVERSATIONS_WITH_PEOPLE = `
  -- The conversations that are grouped under these people now.
  create function conversations_with_people(people bigint[]) returns setof bigint
  language sql stable as $$
    select id from conversations where people_ids = people
    union all
    select id from conversations where participant_ids = people and people_ids is null
  $$;
`;

const REGROUP_CONVERSATIONS = `
  -- Sets the people of these conversations by the links that hold now, and for each conversation that had or has the
  -- same people as one of them the primary conversation: the oldest one with these people. The caller holds the lock
  -- 4281907001, so that neither links nor groups change meanwhile. "with_activity" also sets last_message_at of the
  -- primary conversations whose members change, from the messages.
  create function regroup_conversations(ids bigint[], with_activity boolean default false) returns void
  language plpgsql set enable_seqscan = off as $$
  declare
    -- All conversations of the groups concerned, and the primary conversation that each is to have.
    members bigint[];
    targets bigint[];
    -- The conversations whose primary conversation changes, and the new ones; null for a conversation that is primary.
    moved bigint[];
    moved_into bigint[];
    -- The primary conversations that gain or lose members.
    primaries bigint[] := '{}';
  begin
    with current as (
      select conversation_id as id,
        array_agg(distinct coalesce(person_id, participants.id) order by coalesce(person_id, participants.id)) as people
      from conversation_participants join participants on participants.id = participant_id
      where conversation_id = any(ids) group by conversation_id
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

    -- Locked in the order of the ids, as in every transaction that writes. A transaction that draws an id for a message in
    -- one of these conversations has either committed before the lock, or will see the new primary conversation.
    perform from conversations
    where id = any(ids || moved) or (with_activity and id = any(primaries))
    order by id for no key update;

    update conversations set people_ids = found.people_ids
    from (
      select conversation_id, nullif(
          array_agg(distinct coalesce(person_id, participants.id) order by coalesce(person_id, participants.id)),
          array_agg(participants.id order by participants.id)) as people_ids
      from conversation_participants join participants on participants.id = participant_id
      where conversation_id = any(ids) group by conversation_id
    ) as found
    where conversations.id = any(ids) and conversations.id = found.conversation_id
      and conversations.people_ids is distinct from found.people_ids;

    update conversations set merged_into_id = found.primary_id
    from unnest(moved, moved_into) as found(id, primary_id)
    where conversations.id = any(moved) and conversations.id = found.id;

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
`;

const CONTINUE_REGROUPING = `
  -- Regroups the next conversations, at most "batch" of them, of the participants in pending_regroupings: of these
  -- participants, or of all where "participant_ids" is null. Returns whether some of theirs are left. The lock
  -- 4281907001 is held until the commit. Fails with lock_not_available where a conversation is locked for more than
  -- 100 ms, so that transactions that wait for the lock 4281907001 do not wait for that conversation as well.
  create function continue_regrouping(batch int, participant_ids bigint[]) returns boolean
  language plpgsql set enable_seqscan = off as $$
  declare
    ids bigint[];
    last_participant bigint;
    last_conversation bigint;
  begin
    perform pg_advisory_xact_lock(4281907001);
    perform set_config('lock_timeout', '100ms', true);
    with next as (
      select pending.participant_id, found.conversation_id
      from (
        select participant_id, done_up_to from pending_regroupings
        where participant_ids is null or participant_id = any(participant_ids) order by participant_id
      ) as pending
      cross join lateral (
        select conversation_id from conversation_participants as own
        where own.participant_id = pending.participant_id and own.conversation_id > pending.done_up_to
        order by own.conversation_id limit batch
      ) as found
      order by pending.participant_id, found.conversation_id limit batch
    )
    select array_agg(distinct conversation_id), max(participant_id),
      max(conversation_id) filter (where participant_id = (select max(participant_id) from next))
    into ids, last_participant, last_conversation
    from next;
    if ids is not null then
      perform regroup_conversations(ids, true);
    end if;

    -- A participant is done if a conversation of a later participant was regrouped, or if none of its own is left.
    update pending_regroupings set done_up_to = last_conversation where participant_id = last_participant;
    delete from pending_regroupings as pending
    where (participant_ids is null or participant_id = any(participant_ids))
      and (last_participant is null or participant_id < last_participant
        or not exists (
          select from conversation_participants as own
          where own.participant_id = pending.participant_id and own.conversation_id > pending.done_up_to));
    return exists (
      select from pending_regroupings where participant_ids is null or participant_id = any(participant_ids));
  end $$;
`;

const PREVIOUS_REGROUP_CONVERSATIONS = `
  -- Sets the people of these conversations, and for each the primary conversation: the oldest one with these people. The
  -- caller holds the lock 4281907001. "with_activity" is accepted for callers of the later version, and ignored.
  create function regroup_conversations(ids bigint[], with_activity boolean default false) returns void
  language plpgsql set enable_seqscan = off as $$
  begin
    update conversations set people_ids = found.people_ids
    from (
      select conversation_id, nullif(
          array_agg(distinct coalesce(person_id, participants.id) order by coalesce(person_id, participants.id)),
          array_agg(participants.id order by participants.id)) as people_ids
      from conversation_participants join participants on participants.id = participant_id
      where conversation_id = any(ids) group by conversation_id
    ) as found
    where conversations.id = found.conversation_id and conversations.people_ids is distinct from found.people_ids;

    update conversations set merged_into_id = found.speaker_id
    from (
      select own.id, nullif(least(
          (select min(same.id) from conversations as same where same.people_ids = coalesce(own.people_ids, own.participant_ids)),
          (select same.id from conversations as same where same.participant_ids = coalesce(own.people_ids, own.participant_ids))
        ), own.id) as speaker_id
      from conversations as own where own.id = any(ids)
    ) as found
    where conversations.id = found.id and conversations.merged_into_id is distinct from found.speaker_id;
  end $$;
`;
