-- Moves the position of a task over the next `batch` messages that are older than `before`, and returns their ids and whether more
-- remain. After the last page, also returns messages that were skipped and are not to be sent any more. Null if another
-- transaction has the task. The position is in the index of created_at: a walk does not read the index entries again that belong
-- to deleted messages. A walk begins again once a day, so that messages are found that were inserted with an earlier time.
create or replace function take_old_messages(task_name text, before timestamptz, batch int, out ids bigint[], out remains boolean)
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  present retention_positions;
  times timestamptz[];
  skipped bigint[];
begin
  select * into present from retention_positions where task = task_name for update skip locked;
  if not found then
    return;
  end if;
  select array_agg(id order by created_at, id), array_agg(created_at order by created_at, id) into ids, times
  from (
    select id, created_at from messages
    where (created_at, id) > (present.created_at, present.message_id) and created_at < before
    order by created_at, id limit batch
  ) as page;
  remains := coalesce(cardinality(ids) = batch, false);
  if ids is not null then
    update retention_positions set created_at = times[cardinality(times)], message_id = ids[cardinality(ids)]
    where task = task_name;
  end if;
  if not remains then
    with ended as (
      delete from retention_skipped as own
      where task = task_name and message_id in (
        select message_id from retention_skipped as waiting
        where task = task_name and not exists (
          select from deliveries where message_id = waiting.message_id and status in ('scheduled', 'queued', 'sending'))
        limit batch)
      returning message_id
    )
    select array_agg(message_id) into skipped from ended;
    ids := coalesce(ids, '{}') || skipped;
    remains := coalesce(cardinality(skipped) = batch, false);
    update retention_positions
    set created_at = '-infinity', message_id = 0, began_at = now(), examined_until = greatest(examined_until, created_at)
    where task = task_name and began_at < now() - interval '1 day' and not remains;
  end if;
end $$;
