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

/** The periodic task that removes old events. Several processes may have it; one of them removes events at a time. */
export function eventRetention(pool: pg.Pool, days: number) {
  return { everyMs: EVERY_MS, step: () => expireEvents(pool, days) };
}

/**
 * Removes some events that are older than a number of days.
 *
 * @returns whether more events can be removed now. While a transaction reads events for long, no partition is dropped.
 */
export async function expireEvents(pool: pg.Pool, days: number): Promise<boolean> {
  try {
    const { rows } = await pool.query<{ remains: boolean }>(EXPIRE, [days]);
    return rows[0]?.remains === true;
  } catch (error) {
    if (sqlState(error) === LOCK_NOT_AVAILABLE) return false;
    throw error;
  }
}
