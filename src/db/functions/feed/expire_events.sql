-- Removes some events that are older than `max_age`, the oldest first. Returns whether more can be removed now. One transaction
-- at a time removes events.
-- A partition is dropped when all its positions are used and all its events are old. Dropping waits for the readers of events,
-- and other readers wait behind it, so it is given up after 100 ms (`lock_not_available`); the caller repeats it later. Events
-- of a partition that fills in less than a day wait for this. Otherwise, a small feed would keep its events for years, so events
-- are deleted one by one.
create or replace function expire_events(max_age interval, batch int) returns boolean
language plpgsql
set search_path from current
set lock_timeout = '100ms'
set enable_seqscan = off as $$
declare
  cutoff constant timestamptz := statement_timestamp() - max_age;
  oldest record;
  last_created_at timestamptz;
  is_complete boolean;
  has_new boolean;
  removed int;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('expire_events', 0)) then
    return false;
  end if;
  select partition.oid::regclass as name, (substring(relname from '\d+$')::bigint + 1) * event_partition_size() as first_after
  into oldest
  from pg_inherits join pg_class as partition on partition.oid = inhrelid
  where inhparent = 'events'::regclass
  order by first_after limit 1;
  if not found then
    return false;
  end if;
  is_complete := (select last_position from feed_state) >= oldest.first_after - 1;

  if is_complete then
    execute format('select created_at from %s order by id desc limit 1', oldest.name) into last_created_at;
    if last_created_at is null or last_created_at < cutoff then
      -- An event can have an earlier time than an event below it.
      execute format('select exists (select from %s where created_at >= $1)', oldest.name) into has_new using cutoff;
      if has_new then
        return false;
      end if;
      execute format('drop table %s', oldest.name);
      return true;
    end if;
    if last_created_at < cutoff + interval '1 day' then
      return false;
    end if;
  end if;

  with first as materialized (
    select id, created_at from events where id < oldest.first_after order by id limit batch
  )
  delete from events
  where id <= (
    select max(id) from first
    where id < coalesce((select min(id) from first where created_at >= cutoff), oldest.first_after));
  get diagnostics removed = row_count;
  return removed = batch;
end $$;
