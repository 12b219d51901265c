import type { Knex } from 'knex';
import { Message } from '../../db/models/message.ts';
import { availability } from '../../db/pools.ts';
import { InvalidRequestError, UnavailableError } from '../../errors.ts';
import type { AddressParser } from '../address.ts';
import { BY_MESSAGE, type Clock, latest, type Messages } from './newest-first.ts';

/** The words of a search, and the normalised address if the words are an address; otherwise an empty text. */
export type Search = [words: string, address: string];

/** The column `document` has the words of a long message. The planner compares the expression with that of the index. */
const DOCUMENT = `coalesce(messages.document,
  message_document(messages."from", messages."to", messages.cc, messages.subject, messages.body))`;
export const QUERY = `(websearch_to_tsquery('simple', ?) || plainto_tsquery('simple', ?))`;
const MATCHES = `${DOCUMENT} @@ ${QUERY}`;

/** How many of the newest messages are looked through before the index is asked. */
const WINDOW = 500;
const LARGEST_WINDOW = 16_000;
/** A search with at most this many matches reads all of them from the index. */
const FEW = 1_000;
/** A statement that takes longer ends the search with 503. */
const STATEMENT_MS = 5_000;
/** If reading the index takes longer, the search has many matches. */
const INDEX_MS = 1_000;
/** A page ends early after this time. */
const PATIENCE_MS = 1_500;
/** How long looking through one window should take, so that the patience is not exceeded by much. */
const WINDOW_MS = 250;

export function readSearch(parse: AddressParser, q: string): Search {
  const address = parse(q);
  const isOne = address?.kind === 'phone' || address?.kind === 'email';
  return [q, isOne ? address.key : ''];
}

/**
 * Checks a search that found nothing.
 *
 * @throws {InvalidRequestError} the search has no word.
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

/** A position in a list of messages: the time and id of a message. */
type Position = [time: Date, id: number];

export interface Found {
  ids: number[];
  /** The last message that the search has looked at; null if it has looked at all of them. */
  stoppedAt: Position | null;
}

/** Both parts of a filter of messages: an index finds those in scope, and of these the other conditions leave some. */
export interface Filter {
  scope: (messages: Messages) => void;
  conditions: (messages: Messages) => void;
}

interface Asked {
  filter: Filter;
  search: Search;
  wanted: number;
  clock: Clock;
}

/**
 * The newest messages that match, at a cost that the page bounds. First the newest messages are looked through, where
 * common words soon fill a page; then the index, which has all matches of a rare word; then more and more of the older
 * messages, for a limited time.
 */
export async function find(knex: Knex, asked: Asked): Promise<Found> {
  const newest = await lookThrough(knex, asked, { after: null, size: WINDOW, wanted: asked.wanted });
  if (newest.end === null || newest.ids.length === asked.wanted)
    return { ids: newest.ids, stoppedAt: newest.end };
  const all = await findFew(knex, asked);
  if (all !== null) return all;
  const ids = newest.ids;
  const deadline = performance.now() + PATIENCE_MS;
  let after: Position | null = newest.end;
  for (let size = WINDOW; after !== null && ids.length < asked.wanted && performance.now() < deadline; ) {
    const started = performance.now();
    const step = await lookThrough(knex, asked, { after, size, wanted: asked.wanted - ids.length });
    ids.push(...step.ids);
    after = step.end;
    size = nextSize(size, performance.now() - started);
  }
  return { ids, stoppedAt: after };
}

function nextSize(size: number, tookMs: number): number {
  if (tookMs > WINDOW_MS) return Math.max(Math.floor(size / 2), 1);
  return tookMs < WINDOW_MS / 2 ? Math.min(size * 2, LARGEST_WINDOW) : size;
}

interface Window {
  after: Position | null;
  /** Messages in scope that are looked at, whether or not they fit the other conditions. */
  size: number;
  wanted: number;
}

interface Looked {
  ids: number[];
  /** The last message that was looked at; null if none is left. */
  end: Position | null;
}

/** The matches among the next `size` messages in scope. Both statements see the same messages: they are one snapshot. */
async function lookThrough(
  knex: Knex,
  { filter, search, clock }: Asked,
  { after, size, wanted }: Window,
): Promise<Looked> {
  const window = () => {
    const rest = Message.query(knex).modify(filter.scope);
    if (after) rest.whereRaw('(??, ??) < (?::timestamptz, ?)', [clock.time, clock.id, ...after]);
    return latest(rest, size, clock);
  };
  return within(knex, STATEMENT_MS, async (trx) => {
    const matches = Message.query(trx)
      .with('messages', window().select('messages.*') as never)
      .modify(filter.conditions)
      .whereRaw(MATCHES, search);
    const found = await pick(latest(matches, wanted, BY_MESSAGE));
    if (found.ids.length === wanted) return found;
    const [last] = await window()
      .transacting(trx)
      .select(trx.raw('?? as created_at, ?? as id', [clock.time, clock.id]))
      .offset(size - 1)
      .limit(1);
    return { ids: found.ids, end: last ? [last.created_at, last.id] : null };
  });
}

/** All matches, by the index; null where too many of all messages match. */
async function findFew(knex: Knex, { filter, search, wanted, clock }: Asked): Promise<Found | null> {
  const few = await within(knex, INDEX_MS, async (trx) => {
    await trx.raw('set local enable_seqscan = off');
    const { rows } = await trx.raw<{ rows: { id: number }[] }>(
      `select id from messages where ${MATCHES} limit ${FEW + 1}`,
      search,
    );
    return rows.length > FEW ? null : rows.map(({ id }) => id);
  }).catch(nullIfTooLong);
  if (few === null) return null;
  const matches = Message.query(knex)
    .modify(filter.scope)
    .modify(filter.conditions)
    .whereIn('messages.id', few);
  const { ids, end } = await pick(latest(matches, wanted, clock));
  return { ids, stoppedAt: ids.length === wanted ? end : null };
}

/** Runs a query for messages; `end` is the last one. A delivery has the time of its message. */
async function pick(messages: Messages): Promise<Looked> {
  const rows = await messages.select('messages.id', 'messages.created_at');
  const last = rows.at(-1);
  return { ids: rows.map(({ id }) => id), end: last ? [last.created_at, last.id] : null };
}

const QUERY_CANCELED = '57014';

function nullIfTooLong(error: { code?: string }): null {
  if (error.code !== QUERY_CANCELED) throw error;
  return null;
}

/** Runs `work` on one snapshot, with a time limit for each statement and memory enough for an exact bitmap of matches. */
function within<T>(
  knex: Knex,
  milliseconds: number,
  work: (trx: Knex.Transaction) => Promise<T>,
): Promise<T> {
  return knex.transaction(async (trx) => {
    await trx.raw(`set transaction isolation level repeatable read, read only;
      set local statement_timeout = ${milliseconds}; set local work_mem = '32MB'`);
    return work(trx);
  });
}
