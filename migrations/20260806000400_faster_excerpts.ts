import type { Knex } from 'knex';

/** A match in a long body is found by one look at it, and the part around the match is smaller. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(MESSAGE_EXCERPT);
}

/** The function of the version before is slower and otherwise the same: it is not restored. */
export async function down(): Promise<void> {}

const MESSAGE_EXCERPT = `
  -- The part of a body in which a search is to mark its words ("lexemes", in lower case): all of a short body; of a long
  -- one some thousand characters with a match of the query, or at least with one of the words, if a few looks find them.
  -- A tag that the part would begin or end in is left out.
  create or replace function message_excerpt(body text, query tsquery, lexemes text[]) returns text
  language plpgsql stable as $$
  declare
    short constant int := 4000;
    before constant int := 500;
    size constant int := 2000;
    -- As message_document.
    searched text := left(body, 100000);
    folded text;
    pattern text;
    found int;
    part text;
    words tsvector;
    best text;
  begin
    if octet_length(searched) <= short then
      return searched;
    end if;
    folded := lower(searched);
    -- The word that is met last for the first time, as a rare word rather than a common one is.
    select as_word, regexp_instr(folded, as_word) as position into pattern, found
    from unnest(lexemes) as given(lexeme)
    cross join lateral (
      select case when lexeme ~ '^\\w' then '\\m' else '' end || regexp_replace(lexeme, '([^\\w\\s])', '\\\\\\1', 'g')
        || case when lexeme ~ '\\w$' then '\\M' else '' end as as_word
    ) as words
    order by position desc limit 1;
    for looks in 1..4 loop
      exit when coalesce(found, 0) = 0;
      part := substr(searched, greatest(found - before, 1), size);
      words := to_tsvector('simple', part);
      if words @@ query then
        best := part;
        exit;
      end if;
      if best is null and tsvector_to_array(words) && lexemes then
        best := part;
      end if;
      exit when found + size > length(folded);
      found := regexp_instr(folded, pattern, found + size - before);
    end loop;
    if best is null then
      return left(searched, size);
    end if;
    if not starts_with(searched, best) then
      best := case
        when strpos(best, '>') between 1 and before and strpos(left(best, strpos(best, '>')), '<') = 0
        then substr(best, strpos(best, '>') + 1)
        else regexp_replace(best, '^\\w{1,60}', '') end;
    end if;
    return regexp_replace(best, '<[^<>]*$', '');
  end $$;
`;
