-- Whether a key that a client has made names one of the addresses, also as a part of a longer word, such as
-- `group-ada@example.com`.
create or replace function is_in_key(key text, addresses text[]) returns boolean
language sql immutable
set search_path from current as $$
  select coalesce(bool_or(address like '%@%' and strpos(lower(key), address) > 0), false) or names_any(key, addresses)
  from unnest(addresses) as address
$$;
