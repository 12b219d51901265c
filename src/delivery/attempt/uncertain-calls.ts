import type pg from 'pg';
import { CANNOT_RECONCILE } from '../accounts/not-called.ts';
import type { Claimed } from '../claim.ts';

/** The earlier calls that may have sent a message. An attempt that only looked the message up has the code of its result. */
const UNCERTAIN_CALLS = {
  name: 'uncertain-calls',
  text: `
    select min(started_at) as first, max(started_at) as last from delivery_attempts
    where message_id = $1 and number < $2 and outcome = 'unknown' and code is distinct from $3`,
};

export interface UncertainCalls {
  first: Date;
  last: Date;
}

/** The times of the first and of the last call that may have sent a message; now if no such call is known. */
export async function uncertainCalls(
  pool: pg.Pool,
  { id, attempt_count }: Pick<Claimed, 'id' | 'attempt_count'>,
): Promise<UncertainCalls> {
  const { rows } = await pool.query<{ first: Date | null; last: Date | null }>(UNCERTAIN_CALLS, [
    ...[id, attempt_count, CANNOT_RECONCILE.code],
  ]);
  const { first, last } = rows[0] ?? { first: null, last: null };
  return { first: first ?? new Date(), last: last ?? new Date() };
}
