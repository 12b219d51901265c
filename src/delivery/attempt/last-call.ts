import type pg from 'pg';
import { CANNOT_RECONCILE } from '../accounts/not-called.ts';
import type { Claimed } from '../claim.ts';

/** An attempt that only looked the message up has the code of its result. */
const LAST_CALL = {
  name: 'last-call',
  text: `
    select max(started_at) as at from delivery_attempts
    where message_id = $1 and number < $2 and outcome = 'unknown' and code is distinct from $3`,
};

/** The time of the last call that may have sent a message; now if no such call is known. */
export async function lastCallAt(pool: pg.Pool, { id, attempt_count }: Claimed): Promise<Date> {
  const { rows } = await pool.query<{ at: Date | null }>(LAST_CALL, [
    ...[id, attempt_count, CANNOT_RECONCILE.code],
  ]);
  return rows[0]?.at ?? new Date();
}
