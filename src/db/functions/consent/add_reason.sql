-- The reasons of an entry with another reason, the strongest first. `stop_keyword` and `provider_opt_out` are two reports of
-- one request, so that the first of them stays.
create or replace function add_reason(reasons text[], reason text) returns text[]
language sql immutable
set search_path from current as $$
  select case
    when reason = any(reasons)
      or (reason in ('stop_keyword', 'provider_opt_out') and reasons && array['stop_keyword', 'provider_opt_out'])
    then reasons
    else (
      select array_agg(one order by array_position(
        array['stop_keyword', 'provider_opt_out', 'complaint', 'hard_bounce', 'manual', 'unsubscribe'], one))
      from unnest(reasons || reason) as one)
  end
$$;
