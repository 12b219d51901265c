const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** The delay before each attempt, from the end of the previous attempt; the schedule that Standard Webhooks recommends. */
const DELAYS_MS = [
  ...[0, 5_000, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 5 * HOUR_MS],
  ...[10 * HOUR_MS, 14 * HOUR_MS, 20 * HOUR_MS, 24 * HOUR_MS],
];
/** The share of a delay that is added at random, so that the attempts of a backlog do not begin at the same time. */
const JITTER = 1 / 10;

export const MAX_ATTEMPTS = DELAYS_MS.length;

/**
 * The time until the next attempt, in milliseconds; null after the last attempt.
 *
 * @param attempts the number of attempts so far.
 * @param leastMs the `Retry-After` of the endpoint, in milliseconds.
 * @param random at least 0, below 1.
 */
export function nextAttemptInMs(attempts: number, leastMs: number, random: number): number | null {
  const delayMs = DELAYS_MS[attempts];
  return delayMs === undefined ? null : Math.max(leastMs, delayMs * (1 + JITTER * random));
}
