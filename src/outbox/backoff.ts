/** A delay that doubles with each further time: `firstMs` for 0 further times, at most `maxMs`. */
export function doubled(firstMs: number, furtherTimes: number, maxMs: number): number {
  return Math.min(maxMs, firstMs * 2 ** Math.max(0, furtherTimes));
}

/**
 * A delay reduced by up to a half, so that delays that begin together do not end together.
 *
 * @param random at least 0, below 1.
 */
export function jittered(ms: number, random: number): number {
  return ms * (1 - random / 2);
}

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

/**
 * The pause of a receiver that throttles, in milliseconds: its `Retry-After`, or else 1 s, doubled for each consecutive time,
 * at most a minute.
 */
export function pauseMs(retryAfterMs: number | null, consecutive: number): number {
  return retryAfterMs ?? doubled(FIRST_PAUSE_MS, consecutive - 1, MAX_PAUSE_MS);
}
