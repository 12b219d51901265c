-- The text with each of the addresses replaced (mention_pattern).
create or replace function replace_mentions(content text, addresses text[], replacements text[]) returns text
language plpgsql immutable
set search_path from current as $$
begin
  for n in 1 .. cardinality(addresses) loop
    if content = addresses[n] then
      return replacements[n];
    end if;
    content := coalesce(regexp_replace(content, mention_pattern(addresses[n]), replacements[n], 'gi'), content);
  end loop;
  return content;
end $$;
