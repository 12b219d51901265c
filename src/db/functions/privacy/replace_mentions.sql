-- The text with each of the addresses replaced (mention_pattern).
create or replace function replace_mentions(content text, addresses text[], replacements text[]) returns text
language plpgsql immutable
set search_path from current as $$
declare
  lowered constant text := lower(content);
begin
  for n in 1 .. cardinality(addresses) loop
    if content = addresses[n] then
      return replacements[n];
    elsif strpos(lowered, mention_core(addresses[n])) > 0 then
      content := coalesce(regexp_replace(content, mention_pattern(addresses[n]), replacements[n], 'gi'), content);
    end if;
  end loop;
  return content;
end $$;
