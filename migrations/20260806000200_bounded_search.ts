import type { Knex } from 'knex';

/**
 * A search reads what it needs of a message and no more: the words of a long message are stored beside it, and only the
 * part of a long body around a match is marked.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index messages_document_idx;
    -- Of a short message the words are found as fast as they are read.
    alter table messages add document tsvector generated always as (
      case when octet_length(body) > 2000 then message_document("from", "to", cc, subject, body) end) stored;
    comment on column messages.document is 'The words of a long message; null for a short one.';
    create index messages_document_idx
      on messages using gin (coalesce(document, message_document("from", "to", cc, subject, body)))
      with (gin_pending_list_limit = 256);
  `);
  await knex.raw(MESSAGE_EXCERPT);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop function message_excerpt;
    drop index messages_document_idx;
    alter table messages drop document;
    create index messages_document_idx on messages using gin (message_document("from", "to", cc, subject, body))
      with (gin_pending_list_limit = 256);
  `);
}

const MESSAGE_EXCERPT = `
  -- The part of a body in which a search is to mark its words ("lexemes", in lower case): all of a short body; of a long
  -- one some thousand characters with a match of the query, or at least with one of the words, if a few looks find them.
  -- A tag that the part would begin or end in is left out.
  create function message_excerpt(body text, query tsquery, lexemes text[]) returns text
  language plpgsql stable as $$
  declare
    short constant int := 8000;
    before constant int := 1000;
    size constant int := 4000;
    -- As message_document.
    searched text := left(body, 100000);
    folded text;
    word text;
    first int;
    found int;
    next int := 1;
    part text;
    words tsvector;
    best text;
  begin
    if octet_length(searched) <= short then
      return searched;
    end if;
    folded := lower(searched);
    -- The word that is met last for the first time: a rare one rather than a common one.
    select lexeme, position into word, first
    from (select lexeme, strpos(folded, lexeme) as position from unnest(lexemes) as given(lexeme)) as words
    where position > 0 order by position desc limit 1;
    for looks in 1..8 loop
      exit when word is null;
      found := strpos(substr(folded, next), word);
      exit when found = 0;
      found := next + found - 1;
      part := substr(searched, greatest(found - before, 1), size);
      words := to_tsvector('simple', part);
      if words @@ query then
        best := part;
        exit;
      end if;
      if best is null and tsvector_to_array(words) && lexemes then
        best := part;
      end if;
      next := found + size - before;
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
