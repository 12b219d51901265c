-- Regroups at most `batch` conversations of participants whose links changed. Stops after about 20 ms, because the lock on
-- links is held. `participant_ids` limits the participants; null for all. Returns whether conversations remain.
create or replace function continue_regrouping(batch int, participant_ids bigint[]) returns boolean
language plpgsql
set search_path from current
set enable_seqscan = off as $$
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
  perform lock_people();
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

    -- A participant is done if a conversation of a later participant was regrouped, or if no conversation of its own remains.
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
