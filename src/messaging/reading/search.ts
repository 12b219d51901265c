import type { Knex } from 'knex';
import { Message } from '../../db/models/message.ts';
import { UnavailableError } from '../../errors.ts';
import { BY_MESSAGE, type Clock, latest, type Messages } from './newest-first.ts';
import type { Search } from './search-words.ts';

/** The column `document` has the words of a long message. The planner compares the expression with that of the index. */
const DOCUMENT = `coalesce(messages.document,
  message_document(messages."from", messages."to", messages.cc, messages.subject, messages.body))`;
const MATCHES = `${DOCUMENT} @@ websearch_to_tsquery('simple', ?)`;

/** Messages per window: first the newest messages, before the index. */
const FIRST_WINDOW = 500;
const MAX_WINDOW = 16_000;
/** A search with at most this many matches reads all of them from the index. */
const FEW = 1_000;
/** Time limit of a statement that reads a window. After it, the window is halved. */
const WINDOW_LIMIT_MS = 2_000;
/** Time limit of the statement that reads the index. After it, the search counts as one with many matches. */
const INDEX_LIMIT_MS = 1_000;
/** A page ends early after this time. */
const PAGE_MS = 1_500;
/** Target time for one window, so that a page takes little longer than `PAGE_MS`. */
const WINDOW_MS = 250;
const RETRY_AFTER_S = 2;

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
 * The newest matches, at a cost that the page bounds: first the newest messages, where common words soon fill a page;
 * then the index, which has all matches of a rare word; then older messages in growing windows, for a limited time.
 *
 * @throws {UnavailableError} the database is too busy to read even a single message in time.
 */
export async function find(knex: Knex, asked: Asked): Promise<Found> {
  const ids: number[] = [];
  const deadline = performance.now() + PAGE_MS;
  let after: Position | null = null;
  let size = FIRST_WINDOW;
  for (let windows = 0; ; windows++) {
    if (windows === 1) {
      const all = await findFew(knex, asked);
      if (all !== null) return all;
    }
    const started = performance.now();
    const looked: Looked & { size: number } = await lookThroughHalving(knex, asked, {
      after,
      size,
      wanted: asked.wanted - ids.length,
    });
    ids.push(...looked.ids);
    after = looked.end;
    if (after === null || ids.length >= asked.wanted) return { ids, stoppedAt: after };
    if (windows > 0 && performance.now() > deadline) return { ids, stoppedAt: after };
    size = nextSize(looked.size, performance.now() - started);
  }
}

function nextSize(size: number, tookMs: number): number {
  if (tookMs > WINDOW_MS) return Math.max(Math.floor(size / 2), 1);
  return tookMs < WINDOW_MS / 2 ? Math.min(size * 2, MAX_WINDOW) : size;
}

/** Halves the window until a statement ends in time. */
async function lookThroughHalving(
  knex: Knex,
  asked: Asked,
  window: Window,
): Promise<Looked & { size: number }> {
  for (let { size } = window; size >= 1; size = Math.floor(size / 2)) {
    const looked = await lookThrough(knex, asked, { ...window, size }).catch(nullIfTooLong);
    if (looked !== null) return { ...looked, size };
  }
  throw new UnavailableError('The search takes too long: the database is busy.', {
    retryAfter: RETRY_AFTER_S,
  });
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
  return within(knex, WINDOW_LIMIT_MS, async (trx) => {
    const matches = Message.query(trx)
      .with('messages', window().select('messages.*') as never)
      .modify(filter.conditions)
      .whereRaw(MATCHES, [search.query]);
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
  const few = await within(knex, INDEX_LIMIT_MS, async (trx) => {
    await trx.raw('set local enable_seqscan = off');
    const { rows } = await trx.raw<{ rows: { id: number }[] }>(
      `select id from messages where ${MATCHES} limit ${FEW + 1}`,
      [search.query],
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
