-- Moves at most `batch` committed events from the inbox to the feed, in the order of their ids, and gives each the next
-- position. One transaction at a time moves events, so that no event appears below a position that a reader has seen,
-- although transactions commit in another order than they allocate ids.
-- Returns whether this transaction could move events, the number of moved events, and the last position.
create or replace function sequence_events(batch int, out is_current boolean, out moved int, out last bigint)
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  before feed_state;
  state feed_state;
  ids bigint[];
  is_gap_final boolean;
begin
  -- Most calls find that another process has moved the events, and need no lock, which would be a write.
  select * into before from feed_state;
  if isempty(before.inbox_gaps)
    and (select id from event_inbox where id > before.inbox_floor order by id limit 1) is null then
    is_current := true;
    moved := 0;
    last := before.last_position;
    return;
  end if;
  select * into before from feed_state for update skip locked;
  is_current := found;
  if not is_current then
    return;
  end if;
  state := before;
  -- Before the statement that moves, whose snapshot therefore contains all events of transactions that have ended here.
  is_gap_final := pg_snapshot_xmin(pg_current_snapshot()) >= state.old_gaps_xid;
  perform add_event_partitions(state.last_position + 1, state.last_position + batch);

  with next as materialized (
    select id from (
      select late.id from unnest(state.inbox_gaps) as gap cross join lateral (
        select id from event_inbox where id >= lower(gap) and id < upper(gap) order by id limit batch
      ) as late
      union all
      (select id from event_inbox where id > state.inbox_floor order by id limit batch)
    ) as found
    order by id limit batch
  ), taken as (
    delete from event_inbox using next where event_inbox.id = next.id returning event_inbox.*
  ), placed as (
    insert into events (id, type, subject_id, conversation_id, changes, created_at)
    select state.last_position + row_number() over (order by id), type, subject_id, conversation_id, changes, created_at
    from taken
  )
  select coalesce(array_agg(id order by id), '{}') into ids from taken;
  moved := cardinality(ids);

  if moved > 0 then
    state.last_position := state.last_position + moved;
    state.inbox_floor := greatest(state.inbox_floor, ids[moved]);
    state.inbox_gaps := state.inbox_gaps + int8multirange(int8range(before.inbox_floor, state.inbox_floor, '(]'))
      - (select range_agg(int8range(id, id, '[]')) from unnest(ids) as id);
  end if;
  if is_gap_final and moved < batch then
    state.inbox_gaps := state.inbox_gaps - state.old_gaps;
    state.old_gaps := '{}';
    state.old_gaps_xid := null;
  elsif state.old_gaps_xid is null and not isempty(before.inbox_gaps) then
    -- Every transaction that had allocated an event in these gaps has a smaller id than this transaction.
    state.old_gaps := before.inbox_gaps;
    state.old_gaps_xid := pg_current_xact_id();
  end if;
  if (select count(*) > 1000 from unnest(state.inbox_gaps)) then
    -- One scan of a range with moved events is faster than many scans of small gaps.
    state.inbox_gaps := int8multirange(range_merge(state.inbox_gaps));
  end if;
  if state is distinct from before then
    update feed_state
    set last_position = state.last_position, inbox_floor = state.inbox_floor, inbox_gaps = state.inbox_gaps,
        old_gaps = state.old_gaps, old_gaps_xid = state.old_gaps_xid;
  end if;
  last := state.last_position;
  if moved > 0 then
    perform pg_notify('feed', last::text);
  end if;
end $$;
