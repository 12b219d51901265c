-- The part of an address that every text has which names the address (mention_pattern), in lower case.
create or replace function mention_core(address text) returns text
language sql immutable as $$
  select case when address like '+%' then substr(address, 2) else left(address, length(address) - strpos(reverse(address), '@')) end
$$;
