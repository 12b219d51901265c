-- The sums of counts by their names.
create or replace function add_counts(one jsonb, other jsonb) returns jsonb
language sql immutable as $$
  select coalesce(jsonb_object_agg(name, amount), '{}')
  from (
    select name, sum(amount::bigint) as amount
    from (select * from jsonb_each_text(one) union all select * from jsonb_each_text(other)) as given(name, amount)
    group by name
  ) as summed
$$;
