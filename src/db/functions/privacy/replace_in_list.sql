-- The list of addresses with each of `addresses` replaced; null for null.
create or replace function replace_in_list(list text[], addresses text[], replacements text[]) returns text[]
language sql immutable
set search_path from current as $$
  select case when list is not null then array(
    select replace_mentions(one, addresses, replacements) from unnest(list) with ordinality as given(one, n) order by n) end
$$;
