-- The number of positions of a partition of events. It must never change: the names of partitions depend on it.
create or replace function event_partition_size() returns bigint
language sql immutable as $$
  select 1000000::bigint
$$;
