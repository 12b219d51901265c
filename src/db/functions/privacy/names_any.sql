-- Whether a text names one of the addresses (mention_pattern).
create or replace function names_any(content text, addresses text[]) returns boolean
language plpgsql immutable
set search_path from current as $$
declare
  lowered constant text := lower(content);
  address text;
begin
  foreach address in array addresses loop
    -- First a search, because PostgreSQL keeps a few compiled expressions only.
    if content = address or (strpos(lowered, mention_core(address)) > 0 and content ~* mention_pattern(address)) then
      return true;
    end if;
  end loop;
  return false;
end $$;
