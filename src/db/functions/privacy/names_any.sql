-- Whether a text names one of the addresses (mention_pattern).
create or replace function names_any(content text, addresses text[]) returns boolean
language sql immutable
set search_path from current as $$
  select coalesce(bool_or(content = address or content ~* mention_pattern(address)), false) from unnest(addresses) as address
$$;
