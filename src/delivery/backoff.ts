const BASE_MS = 1_000;
const CAP_MS = 60 * 60 * 1_000;

export interface BackoffInput {
  /** The number of attempts that count towards the backoff, this attempt included; 0 if all were throttled. */
  retries: number;
  /** Min delay in milliseconds: the provider's `Retry-After`, or the time until a look-up is reliable. */
  leastMs: number;
  now: Date;
  /** At least 0, below 1. */
  random: number;
}

/**
 * The time of the next attempt: `leastMs`, plus an exponential backoff with full jitter (a uniform part of 1 s, 2 s, 4 s …
 * 1 h, so that the messages of a backlog are not retried at the same time). `expires_at` limits the number of attempts.
 */
export function nextAttempt({ retries, leastMs, now, random }: BackoffInput): Date {
  const spread = random * Math.min(CAP_MS, BASE_MS * 2 ** Math.max(0, retries - 1));
  return new Date(now.getTime() + leastMs + spread);
}

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

/**
 * The pause of an account that was throttled, in milliseconds: the provider's `Retry-After`, or else 1 s, doubled for each
 * consecutive time, at most a minute.
 */
export function pauseMs(retryAfterMs: number | null, consecutive: number): number {
  return retryAfterMs ?? Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(consecutive - 1, 10));
}
