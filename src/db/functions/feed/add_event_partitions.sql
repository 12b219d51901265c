-- Creates the partition of a position, and the partition before it, if they are missing.
create or replace function add_event_partitions(up_to bigint) returns void
language plpgsql
set search_path from current as $$
declare
  size constant bigint := 1000000;
  name text;
begin
  for number in greatest(up_to / size - 1, 0)..up_to / size loop
    name := 'events_' || number;
    continue when to_regclass(name) is not null;
    -- ATTACH does not wait for readers, and CREATE TABLE ... PARTITION OF would.
    execute format('create table %I (like events including all)', name);
    execute format(
      'alter table events attach partition %I for values from (%s) to (%s)', name, number * size, (number + 1) * size);
  end loop;
end $$;
