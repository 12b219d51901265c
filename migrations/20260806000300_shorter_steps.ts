import type { Knex } from 'knex';

/** A step of linking writes each conversation of a group once, and ends by time as well. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(STALE_GROUPS);
  await knex.raw(CONTINUE_REGROUPING);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(PREVIOUS_CONTINUE_REGROUPING);
  await knex.raw('drop function stale_groups');
}

const STALE_GROUPS = `
  -- Those of these conversations whose people are not the ones that the links say, with all others of their groups.
  create function stale_groups(ids bigint[]) returns bigint[]
  language sql stable set enable_seqscan = off as $$
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
`;

const CONTINUE_REGROUPING = `
  -- Looks at the next conversations, at most "batch" of them, of the participants in pending_regroupings: of these
  -- participants, or of all where "participant_ids" is null. Returns whether conversations of theirs are left.
  -- Conversations whose people have changed are regrouped with their whole group, so that each conversation of a group is
  -- written once. The lock 4281907001 is held until the commit: a step ends after 20 ms, ten conversations at a time, and
  -- fails with lock_not_available where a conversation is locked for more than 5 ms.
  create or replace function continue_regrouping(batch int, participant_ids bigint[]) returns boolean
  language plpgsql set enable_seqscan = off as $$
  declare
    enough constant interval := '20 milliseconds';
    at_a_time constant int := 10;
    begun timestamptz;
    ids bigint[];
    stale bigint[];
    last_participant bigint;
    last_conversation bigint;
    is_left boolean;
  begin
    perform pg_advisory_xact_lock(4281907001);
    perform set_config('lock_timeout', '5ms', true);
    begun := clock_timestamp();
    for step in 1..greatest(batch / at_a_time, 1) loop
      with next as (
        select pending.participant_id, found.conversation_id
        from (
          select participant_id, done_up_to from pending_regroupings
          where participant_ids is null or participant_id = any(participant_ids) order by participant_id
        ) as pending
        cross join lateral (
          select conversation_id from conversation_participants as own
          where own.participant_id = pending.participant_id and own.conversation_id > pending.done_up_to
          order by own.conversation_id limit least(batch, at_a_time)
        ) as found
        order by pending.participant_id, found.conversation_id limit least(batch, at_a_time)
      )
      select array_agg(distinct conversation_id), max(participant_id),
        max(conversation_id) filter (where participant_id = (select max(participant_id) from next))
      into ids, last_participant, last_conversation
      from next;
      stale := stale_groups(ids);
      if stale is not null then
        perform regroup_conversations(stale, true);
      end if;

      -- A participant is done if a conversation of a later participant was looked at, or if none of its own is left.
      update pending_regroupings set done_up_to = last_conversation where participant_id = last_participant;
      delete from pending_regroupings as pending
      where (participant_ids is null or participant_id = any(participant_ids))
        and (last_participant is null or participant_id < last_participant
          or not exists (
            select from conversation_participants as own
            where own.participant_id = pending.participant_id and own.conversation_id > pending.done_up_to));
      is_left := exists (
        select from pending_regroupings where participant_ids is null or participant_id = any(participant_ids));
      exit when not is_left or clock_timestamp() > begun + enough;
    end loop;
    return is_left;
  end $$;
`;

const PREVIOUS_CONTINUE_REGROUPING = `
  -- Regroups the next conversations, at most "batch" of them, of the participants in pending_regroupings: of these
  -- participants, or of all where "participant_ids" is null. Returns whether some of theirs are left. The lock
  -- 4281907001 is held until the commit. Fails with lock_not_available where a conversation is locked for more than
  -- 100 ms, so that transactions that wait for the lock 4281907001 do not wait for that conversation as well.
  create or replace function continue_regrouping(batch int, participant_ids bigint[]) returns boolean
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
