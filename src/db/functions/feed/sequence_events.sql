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
  is_floor_reached boolean;
begin
  select * into before from feed_state for update skip locked;
  is_current := found;
  if not is_current then
    return;
  end if;
  state := before;
  -- Before the statement that moves, whose snapshot therefore contains all events up to the next floor.
  is_floor_reached := pg_snapshot_xmin(pg_current_snapshot()) >= state.next_floor_xid;
  perform add_event_partitions(state.last_position + batch);

  with next as materialized (
    select id from event_inbox where id > state.inbox_floor order by id limit batch
  ), taken as (
    delete from event_inbox using next where event_inbox.id = next.id returning event_inbox.*
  )
  insert into events (id, type, subject_id, conversation_id, changes, created_at)
  select state.last_position + row_number() over (order by id), type, subject_id, conversation_id, changes, created_at
  from taken;
  get diagnostics moved = row_count;

  state.last_position := state.last_position + moved;
  if state.inbox_floor = state.next_floor then
    state.next_floor := (select case when is_called then last_value else 0 end from event_inbox_id_seq);
  elsif state.next_floor_xid is null then
    -- Every transaction that had allocated an event when the next floor was chosen has a smaller id than this transaction.
    state.next_floor_xid := pg_current_xact_id();
  elsif is_floor_reached and moved < batch then
    state.inbox_floor := state.next_floor;
    state.next_floor_xid := null;
  end if;
  if state is distinct from before then
    update feed_state
    set last_position = state.last_position, inbox_floor = state.inbox_floor, next_floor = state.next_floor,
        next_floor_xid = state.next_floor_xid;
  end if;
  last := state.last_position;
  if moved > 0 then
    perform pg_notify('feed', last::text);
  end if;
end $$;
