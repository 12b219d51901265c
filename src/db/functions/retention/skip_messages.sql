-- Notes messages that a task could not change because they are still to be sent. The task returns to them (take_old_messages).
create or replace function skip_messages(task_name text, ids bigint[]) returns void
language sql
set search_path from current as $$
  insert into retention_skipped (task, message_id) select task_name, id from unnest(ids) as id on conflict do nothing
$$;
