import type { Knex } from 'knex';
import type { Schema } from '../../openapi/types.ts';
import { QUERY, type Search } from './search.ts';

interface Marked {
  id: number;
  /** The number of recipients; the copies follow them. */
  recipients: number;
  has_copies: boolean;
  /** The sender, the recipients, the copies. */
  addresses: [string, ...string[]];
  subject: string | null;
  body: string;
}

/** Marks that no text has: control characters, taken out of it beforehand. */
const [START, STOP] = ['\u0001', '\u0002'];
const MARKS = `StartSel=${START}, StopSel=${STOP}`;
/** The words of a search, as they are in a message's document. */
const LEXEMES = `tsvector_to_array(to_tsvector('simple', ?))`;

/** By the id of each of these messages, what a search searched of it, with the matches marked. */
export async function readHighlights(
  knex: Knex,
  ids: number[],
  search: Search,
): Promise<Map<number, Schema<'Highlight'>>> {
  const words = search.join(' ');
  const subject = headline('messages.subject', 'HighlightAll=true');
  const body = headline(`message_excerpt(messages.body, ${QUERY}, ${LEXEMES})`, 'MaxWords=35, MinWords=15');
  const { rows } = await knex.raw<{ rows: Marked[] }>(
    `select id, cardinality("to") as recipients, cc is not null as has_copies, ${ADDRESSES} as addresses,
       ${subject} as subject, ${body} as body
     from messages where id = any(?)`,
    [...search, words, ...search, ...search, ...search, words, ...search, ids],
  );
  return new Map(rows.map((row) => [row.id, present(row)]));
}

function present({ addresses, recipients, has_copies, subject, body }: Marked): Schema<'Highlight'> {
  const [from, ...others] = addresses.map(toHtml) as [string, ...string[]];
  return {
    from,
    to: others.slice(0, recipients),
    ...(has_copies && { cc: others.slice(recipients) }),
    ...(subject !== null && { subject: toHtml(subject) }),
    body: toHtml(body),
  };
}

function headline(expression: string, options: string): string {
  const text = `translate(${expression}, '${START}${STOP}', '')`;
  return `ts_headline('simple', ${text}, ${QUERY}, '${MARKS}, ${options}')`;
}

/**
 * An email address is found as a whole or by its parts, as `message_document` has them; there is no space in one. An
 * address that has none of the words in it is not looked at any closer.
 */
const ADDRESSES = `(
  select array_agg(
    case
      when strpos(address, '@') = 0 or strpos(whole, '${START}') > 0 or not has_word then whole
      else translate(${headline("translate(address, '@', ' ')", 'HighlightAll=true')}, ' ', '@')
    end order by position)
  from unnest(messages."from" || messages."to" || messages.cc) with ordinality as addresses (address, position)
  cross join lateral (
    select exists (
      select from unnest(${LEXEMES}) as words (word) where strpos(lower(address), word) > 0
    ) as has_word offset 0
  ) as looked
  cross join lateral (
    select case when has_word then ${headline('address', 'HighlightAll=true')} else address end as whole
  ) as found)`;

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function toHtml(marked: string): string {
  return marked
    .replace(/[&<>"']/g, (character) => ENTITIES[character] as string)
    .replaceAll(START, '<mark>')
    .replaceAll(STOP, '</mark>');
}
