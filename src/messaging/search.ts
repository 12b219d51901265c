import type { Knex } from 'knex';
import type { QueryBuilder } from 'objection';
import { availability } from '../db/connect.ts';
import { Message } from '../db/models/message.ts';
import { InvalidRequestError, UnavailableError } from '../errors.ts';
import type { Schema } from '../openapi/types.ts';
import type { AddressParser } from './address.ts';
import { BY_MESSAGE, latest, type Messages, shown } from './latest.ts';
import { type PresentableMessage, presentMessage } from './present.ts';

/** The words of a search, and the address that they may be written as. */
export type Search = [words: string, address: string];

interface Found extends PresentableMessage {
  /** The sender, the recipients, the copies. */
  found_in_addresses?: [string, ...string[]];
  found_in_subject?: string | null;
  found_in_body?: string;
}

/** As `messages_document_idx` has it: the planner compares the expressions. */
const DOCUMENT =
  'message_document(messages."from", messages."to", messages.cc, messages.subject, messages.body)';
const QUERY = `(websearch_to_tsquery('simple', ?) || plainto_tsquery('simple', ?))`;
const MATCHES = `${DOCUMENT} @@ ${QUERY}`;

/** So many of the latest messages are looked through for words that PostgreSQL expects to fill a page from them. */
const WINDOW = 2_000;

/** Marks that no text has: control characters, taken out of it beforehand. */
const [START, STOP] = ['\u0001', '\u0002'];
const MARKS = `StartSel=${START}, StopSel=${STOP}`;
/** Of a longer body the beginning is searched and shown; `message_document` has the same limit. */
const SEARCHED_LENGTH = 100_000;

export function readSearch(parse: AddressParser, q: string): Search {
  const address = parse(q);
  const isOne = address?.kind === 'phone' || address?.kind === 'email';
  return [q, isOne ? address.key : ''];
}

/**
 * For a search that found nothing: that there was something to look for.
 *
 * @throws {InvalidRequestError} there is no word in it.
 */
export async function assertWords(knex: Knex, search: Search): Promise<void> {
  const { rows } = await knex.raw<{ rows: { nodes: number }[] }>(`select numnode(${QUERY}) as nodes`, search);
  if (rows[0]?.nodes === 0)
    throw new InvalidRequestError([{ path: '/query/q', message: 'must have a word to search for' }]);
}

/**
 * Runs a search, and blames `q` for a failure that PostgreSQL repeats with `q` alone. Some texts exceed PostgreSQL's
 * own limits for a search: 33 hyphens are nested negations, and overflow its stack for them.
 *
 * @throws {InvalidRequestError} if PostgreSQL cannot read `q`.
 */
export async function refuseUnreadable<T>(knex: Knex, search: Search, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (failure) {
    if (failure instanceof InvalidRequestError) throw failure;
    await knex.raw(`select numnode(${QUERY})`, search).catch((error) => {
      if (availability(error) instanceof UnavailableError) throw failure;
      throw new InvalidRequestError([{ path: '/query/q', message: 'cannot be read as a search' }]);
    });
    throw failure;
  }
}

/**
 * The latest of these messages that a search finds. Common words are looked for among the latest messages, where
 * they soon fill a page; all others, and what was common only once, in the index, whose cost is what it finds.
 */
export async function find(knex: Knex, messages: Messages, search: Search, limit: number): Promise<Found[]> {
  if (await isCommon(knex, search, limit)) {
    const window = Message.query(knex).with(
      'messages',
      latest(messages.clone(), WINDOW, BY_MESSAGE) as never,
    );
    const rows = await highlighted(
      knex,
      window.select('messages.*').whereRaw(MATCHES, search),
      search,
      limit,
    );
    if (rows.length === limit) return rows;
  }
  // Found as a whole before they are put in order: the planner may read all messages in order otherwise.
  const found = Message.query(knex).withMaterialized('messages', messages.whereRaw(MATCHES, search) as never);
  return highlighted(knex, found.select('messages.*'), search, limit);
}

/** By the planner's statistics, which know the common words. */
async function isCommon(knex: Knex, search: Search, limit: number): Promise<boolean> {
  const { rows } = await knex.raw(`explain (format json) select from messages where ${MATCHES}`, search);
  const found: number = rows[0]['QUERY PLAN'][0].Plan['Plan Rows'];
  const [{ total }] = await knex('pg_class')
    .select({ total: 'reltuples' })
    .whereRaw("oid = 'messages'::regclass");
  return found * WINDOW > limit * Math.max(total, 0);
}

function highlighted(
  knex: Knex,
  found: Messages,
  search: Search,
  limit: number,
): QueryBuilder<Message, Found[]> {
  const subject = headline('messages.subject', 'HighlightAll=true');
  const body = headline('messages.body', 'MaxWords=35, MinWords=15');
  return shown(knex, found, limit)
    .select(knex.raw(`${ADDRESSES} as found_in_addresses`, [...search, ...search]))
    .select(knex.raw(`${subject} as found_in_subject`, search))
    .select(knex.raw(`${body} as found_in_body`, search));
}

function headline(expression: string, options: string): string {
  const text = `translate(left(${expression}, ${SEARCHED_LENGTH}), '${START}${STOP}', '')`;
  return `ts_headline('simple', ${text}, ${QUERY}, '${MARKS}, ${options}')`;
}

/** An email address is found as a whole or by its parts, as `message_document` has them; there is no space in one. */
const ADDRESSES = `(
  select array_agg(
    case when strpos(address, '@') = 0 or strpos(whole, '${START}') > 0 then whole
    else translate(${headline("translate(address, '@', ' ')", 'HighlightAll=true')}, ' ', '@') end order by position)
  from unnest(messages."from" || messages."to" || messages.cc) with ordinality as addresses (address, position)
  cross join lateral (select ${headline('address', 'HighlightAll=true')} as whole) as found)`;

/** A message as the contract shows it, with what was found in it marked. */
export function presentFound(row: Found): Schema<'Message'> {
  const { found_in_addresses, found_in_subject, found_in_body, ...stored } = row;
  const message = presentMessage(stored);
  if (found_in_addresses === undefined || found_in_body === undefined) return message;
  const [from, ...others] = found_in_addresses.map(toHtml) as [string, ...string[]];
  return {
    ...message,
    highlight: {
      from,
      to: others.slice(0, row.to.length),
      ...(row.cc && { cc: others.slice(row.to.length) }),
      ...(found_in_subject != null && { subject: toHtml(found_in_subject) }),
      body: toHtml(found_in_body),
    },
  };
}

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
