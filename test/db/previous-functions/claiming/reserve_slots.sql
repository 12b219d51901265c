-- Reserves the next free time within the rate limit of each name, in order; without a limit (`per_second` is null), the time
-- is `at`.
create or replace function reserve_slots(names text[], per_second float8[], at timestamptz) returns timestamptz[]
language sql
set search_path from current
set enable_seqscan = off as $$
  with wanted as materialized (
    select n, name, rate, row_number() over (partition by name order by n desc) as from_last
    from unnest(names, per_second) with ordinality as given(name, rate, n)
    where rate is not null
  ), reserved as (
    insert into rate_limit_slots as slots (name, next_at)
    select name, at + max(from_last) * interval '1 second' / min(rate) from wanted group by name order by name
    on conflict (name) do update set next_at = greatest(slots.next_at, at) + (excluded.next_at - at)
    returning name, next_at
  )
  select array_agg(coalesce(next_at - from_last * interval '1 second' / rate, at) order by n)
  from generate_subscripts(names, 1) as n left join wanted using (n) left join reserved using (name)
$$;
