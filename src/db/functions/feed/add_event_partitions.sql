-- Creates the partitions of a range of positions that are missing, in the schema of `events`: the first schema of the search
-- path has the functions of this version, and is dropped with them.
create or replace function add_event_partitions(first bigint, last bigint) returns void
language plpgsql
set search_path from current as $$
declare
  size constant bigint := event_partition_size();
  tables constant text := (select relnamespace::regnamespace from pg_class where oid = 'events'::regclass);
  name text;
begin
  for number in first / size..last / size loop
    name := tables || '.events_' || number;
    continue when to_regclass(name) is not null;
    -- ATTACH does not wait for readers, and CREATE TABLE ... PARTITION OF would.
    execute format('create table %s (like events including all)', name);
    execute format(
      'alter table events attach partition %s for values from (%s) to (%s)', name, number * size, (number + 1) * size);
  end loop;
end $$;
