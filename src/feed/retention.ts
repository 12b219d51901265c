import type pg from 'pg';
import { sqlState } from '../db/availability.ts';
import { storedFunction } from '../db/functions.ts';

const EVERY_MS = 60_000;
const EVENTS_PER_STEP = 1_000;
/** The SQL state `lock_not_available`. */
const LOCK_NOT_AVAILABLE = '55P03';

const EXPIRE = {
  name: 'expire-events',
  text: `select ${storedFunction('expire_events')}($1 * interval '1 day', ${EVENTS_PER_STEP}) as remains`,
};

/** The deliveries and attempts of events that are not kept any more. */
const DELETE_DELIVERIES = {
  name: 'delete-old-endpoint-deliveries',
  text: `
    select ${storedFunction('delete_endpoint_history')}(
      coalesce((select id from events order by id limit 1), last_position + 1), ${EVENTS_PER_STEP}) > 0 as remains
    from feed_state where pg_try_advisory_xact_lock(hashtextextended('expire_events', 0))`,
};

/** The periodic task that removes old events. Several processes may have it; one of them removes events at a time. */
export function eventRetention(pool: pg.Pool, days: number) {
  return { everyMs: EVERY_MS, step: () => expireEvents(pool, days) };
}

/**
 * Removes some events that are older than a number of days; then some deliveries of removed events to endpoints.
 *
 * @returns whether more can be removed now. While a transaction reads events for long, no partition is dropped.
 */
export async function expireEvents(pool: pg.Pool, days: number): Promise<boolean> {
  try {
    return (await remains(pool, EXPIRE, [days])) || (await remains(pool, DELETE_DELIVERIES, []));
  } catch (error) {
    if (sqlState(error) === LOCK_NOT_AVAILABLE) return false;
    throw error;
  }
}

async function remains(pool: pg.Pool, statement: { name: string; text: string }, values: unknown[]) {
  const { rows } = await pool.query<{ remains: boolean }>(statement, values);
  return rows[0]?.remains === true;
}
