import { jittered } from '../../outbox/backoff.ts';

const [SECOND_MS, MINUTE_MS, HOUR_MS] = [1_000, 60_000, 3_600_000];
/** The delays between two attempts. Providers keep files for two days at least. */
const DELAYS_MS = [
  ...[3 * SECOND_MS, 15 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS],
  ...[2 * HOUR_MS, 6 * HOUR_MS, 10 * HOUR_MS, 12 * HOUR_MS, 16 * HOUR_MS],
];

export const MAX_ATTEMPTS = DELAYS_MS.length + 1;

/**
 * The time until the next attempt, in milliseconds.
 *
 * @param attempts the number of attempts so far, below `MAX_ATTEMPTS`.
 * @param leastMs the `Retry-After` of the server, in milliseconds.
 * @param random at least 0, below 1.
 */
export function nextAttemptInMs(attempts: number, leastMs: number, random: number): number {
  return Math.max(leastMs, jittered(DELAYS_MS[attempts - 1] ?? 0, random));
}
