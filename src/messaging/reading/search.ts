import type { Knex } from 'knex';
import { sqlState } from '../../db/availability.ts';
import { Message } from '../../db/models/message.ts';
import { UnavailableError } from '../../errors.ts';
import { BY_MESSAGE, type Clock, type Messages, newest } from './newest-first.ts';
import type { Condition } from './search-condition.ts';

/** The number of messages in the first and in the largest window. */
const FIRST_WINDOW = 500;
const MAX_WINDOW = 16_000;
/** Maximum matches that are read from the index. */
const MAX_INDEX_MATCHES = 1_000;
/** Time limit of a statement that reads a window. After a timeout, the window is halved. */
const WINDOW_LIMIT_MS = 2_000;
/** Time limit of the statement that reads the index. After a timeout, the search reads windows. */
const INDEX_LIMIT_MS = 1_000;
/** After this time, the search starts no other window, and the page ends early. */
const PAGE_MS = 1_500;
/** Target time for one window, so that a page takes little more time than `PAGE_MS`. */
const WINDOW_MS = 250;
const RETRY_AFTER_S = 2;

/** A position in a list of messages: the time and id of a message. */
type Position = [time: Date, id: number];

export interface Found {
  ids: number[];
  /** The last message that the search has read; null if the search has read all messages. */
  stoppedAt: Position | null;
}

/** A filter of messages: `scope` has the conditions that an index supports, `conditions` has the other conditions. */
export interface Filter {
  /** Whether an index supports all conditions. */
  isIndexed: boolean;
  scope: (messages: Messages) => void;
  conditions: (messages: Messages) => void;
}

interface SearchRequest {
  filter: Filter;
  /** Null for all messages that match the filter. */
  condition: Condition | null;
  wanted: number;
  clock: Clock;
}

/**
 * Finds the newest matches in bounded time. First reads the newest messages, because they often contain enough matches;
 * then the index of words, if it has few matches; then older messages in growing windows for a limited time.
 *
 * @throws {UnavailableError} if the database is too busy to read a window of one message in time.
 */
export async function find(knex: Knex, request: SearchRequest): Promise<Found> {
  const ids: number[] = [];
  const deadline = performance.now() + PAGE_MS;
  let after: Position | null = null;
  let size = FIRST_WINDOW;
  for (let windows = 0; ; windows++) {
    if (windows === 1 && request.condition?.isIndexed) {
      const all = await findByIndex(knex, { ...request, condition: request.condition });
      if (all !== null) return all;
    }
    const started = performance.now();
    const matches: Matches & { size: number } = await searchHalvingWindow(knex, request, {
      after,
      size,
      wanted: request.wanted - ids.length,
    });
    ids.push(...matches.ids);
    after = matches.end;
    if (after === null || ids.length >= request.wanted) return { ids, stoppedAt: after };
    if (windows > 0 && performance.now() > deadline) return { ids, stoppedAt: after };
    size = nextSize(matches.size, performance.now() - started);
  }
}

function nextSize(size: number, tookMs: number): number {
  if (tookMs > WINDOW_MS) return Math.max(Math.floor(size / 2), 1);
  return tookMs < WINDOW_MS / 2 ? Math.min(size * 2, MAX_WINDOW) : size;
}

/** Searches a window, and halves the window after each timeout. */
async function searchHalvingWindow(
  knex: Knex,
  request: SearchRequest,
  window: Window,
): Promise<Matches & { size: number }> {
  for (let { size } = window; size >= 1; size = Math.floor(size / 2)) {
    const matches = await searchWindow(knex, request, { ...window, size }).catch(nullAfterTimeout);
    if (matches !== null) return { ...matches, size };
  }
  throw new UnavailableError('Reading messages takes too long: the database is busy.', {
    retryAfter: RETRY_AFTER_S,
  });
}

/** The messages among the newest `FIRST_WINDOW` in scope that match the filter. */
export function firstWindow(knex: Knex, { scope, conditions }: Filter, clock: Clock): Messages {
  const window = newest(Message.query(knex).modify(scope), FIRST_WINDOW, clock);
  return Message.query(knex)
    .with('messages', window.select('messages.*') as never)
    .select('messages.*')
    .modify(conditions);
}

interface Window {
  after: Position | null;
  /** The number of messages in scope to read. */
  size: number;
  wanted: number;
}

interface Matches {
  ids: number[];
  /** The last message that was read; null if no messages remain. */
  end: Position | null;
}

/** The matches among the next `size` messages in scope. */
async function searchWindow(
  knex: Knex,
  { filter, condition, clock }: SearchRequest,
  { after, size, wanted }: Window,
): Promise<Matches> {
  const window = () => {
    const rest = Message.query(knex).modify(filter.scope);
    if (after) rest.whereRaw('(??, ??) < (?::timestamptz, ?)', [clock.time, clock.id, ...after]);
    return newest(rest, size, clock);
  };
  return within(knex, WINDOW_LIMIT_MS, async (trx) => {
    const matches = Message.query(trx)
      .with('messages', window().select('messages.*') as never)
      .modify(filter.conditions);
    if (condition) matches.whereRaw(condition.sql, condition.bindings);
    const found = await pick(newest(matches, wanted, BY_MESSAGE));
    if (found.ids.length === wanted) return found;
    const [last] = await window()
      .transacting(trx)
      .select(trx.raw('?? as created_at, ?? as id', [clock.time, clock.id]))
      .offset(size - 1)
      .limit(1);
    return { ids: found.ids, end: last ? [last.created_at, last.id] : null };
  });
}

/** The newest matches from the index; null if the index has more than `MAX_INDEX_MATCHES`. */
async function findByIndex(
  knex: Knex,
  { filter, condition, wanted, clock }: SearchRequest & { condition: Condition },
): Promise<Found | null> {
  const indexed = await within(knex, INDEX_LIMIT_MS, async (trx) => {
    await trx.raw('set local enable_seqscan = off');
    const { rows } = await trx.raw<{ rows: { id: number }[] }>(
      `select id from messages where ${condition.sql} limit ${MAX_INDEX_MATCHES + 1}`,
      condition.bindings,
    );
    return rows.length > MAX_INDEX_MATCHES ? null : rows.map(({ id }) => id);
  }).catch(nullAfterTimeout);
  if (indexed === null) return null;
  const matches = Message.query(knex)
    .modify(filter.scope)
    .modify(filter.conditions)
    .whereIn('messages.id', indexed);
  const { ids, end } = await pick(newest(matches, wanted, clock));
  return { ids, stoppedAt: ids.length === wanted ? end : null };
}

/** Runs a query for messages; `end` is the last message. A delivery has the time of its message. */
async function pick(messages: Messages): Promise<Matches> {
  const rows = await messages.select('messages.id', 'messages.created_at');
  const last = rows.at(-1);
  return { ids: rows.map(({ id }) => id), end: last ? [last.created_at, last.id] : null };
}

const QUERY_CANCELED = '57014';

function nullAfterTimeout(error: unknown): null {
  if (sqlState(error) !== QUERY_CANCELED) throw error;
  return null;
}

/** Runs `work` on one snapshot, with a time limit for each statement, and with enough memory for an exact bitmap of matches. */
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
