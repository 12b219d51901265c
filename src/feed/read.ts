import type pg from 'pg';
import { PositionExpiredError } from '../errors.ts';
import type { EventRow, EventType } from './event.ts';

export interface EventFilter {
  /** Empty for events of every type. */
  types: readonly EventType[];
  /** Empty for events of all conversations. */
  conversationIds: readonly number[];
}

export interface EventPage {
  rows: EventRow[];
  /** The position up to which the events were read. */
  position: number;
  /** The position of the last event of the feed when it was read. */
  last: number;
}

/** `first`: the position of the first event that is kept. */
type Row = EventRow & { first: number };

/** Max positions that one page searches, so that a filter without matches ends. */
const MAX_SEARCHED = 50_000;

const FIRST = '(select id from events order by id limit 1)';

const RANGE = {
  name: 'feed-range',
  text: `
    select last_position as last, coalesce(${FIRST}, last_position + 1) as first
    from feed_state`,
};
const READ = {
  name: 'read-events',
  text: `
    select id, type, subject_id, conversation_id, changes, created_at, ${FIRST} as first from events
    where id > $1 and id <= $2 and ($3::text[] = '{}' or type = any($3)) order by id limit $4`,
};
const READ_OF_CONVERSATIONS = {
  name: 'read-events-of-conversations',
  text: `
    select events.*, ${FIRST} as first from unnest($5::bigint[]) as wanted(id) cross join lateral (
      select id, type, subject_id, conversation_id, changes, created_at from events
      where conversation_id = wanted.id and events.id > $1 and events.id <= $2 and ($3::text[] = '{}' or type = any($3))
      order by events.id limit $4
    ) as events
    order by id limit $4`,
};

/** The positions of the first event that is kept and of the last event. */
export async function feedRange(pool: pg.Pool): Promise<{ first: number; last: number }> {
  const { rows } = await pool.query<{ first: number; last: number }>(RANGE);
  return rows[0] as { first: number; last: number };
}

/**
 * Reads events after a position, in the order of positions.
 *
 * @param after 0 for the first event that is kept.
 * @throws {PositionExpiredError} if events after this position are not kept any more.
 */
export async function readEvents(
  pool: pg.Pool,
  after: number,
  { types, conversationIds }: EventFilter,
  limit: number,
): Promise<EventPage> {
  const { first, last } = await feedRange(pool);
  if (after > 0 && after < first - 1) throw new PositionExpiredError(first - 1);
  const from = Math.max(after, first - 1);
  // Conversations have an index.
  const isSearch = types.length > 0 && conversationIds.length === 0;
  const end = isSearch ? Math.min(last, from + MAX_SEARCHED) : last;
  const { rows } =
    conversationIds.length > 0
      ? await pool.query<Row>(READ_OF_CONVERSATIONS, [from, end, types, limit, conversationIds])
      : await pool.query<Row>(READ, [from, end, types, limit]);
  // Events may have been removed since the first query.
  const firstRead = rows[0]?.first ?? first;
  if (after > 0 && after < firstRead - 1) throw new PositionExpiredError(firstRead - 1);
  // A position after the end is of another database: the client continues at the end.
  const position = rows.length === limit ? (rows.at(-1) as EventRow).id : end;
  return { rows, position, last };
}
