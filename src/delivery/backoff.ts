const BASE_MS = 1_000;
const CAP_MS = 60 * 60 * 1_000;

export interface RetryQuestion {
  /** How many rounds of attempts have used up their turn, this one included; 0 where all were throttled. */
  retries: number;
  /** The least to wait, in milliseconds: as the provider asked, or until it can tell what became of a request. */
  leastMs: number;
  now: Date;
  /** At least 0, below 1. */
  random: number;
}

/**
 * When to try again: exponential with full jitter (a uniform part of 1 s, 2 s, 4 s … 1 h, so that a backlog does not
 * come back all at once), on top of what has to be waited for anyway. When a message is given up, its `expires_at` says.
 */
export function nextAttempt({ retries, leastMs, now, random }: RetryQuestion): Date {
  const spread = random * Math.min(CAP_MS, BASE_MS * 2 ** Math.max(0, retries - 1));
  return new Date(now.getTime() + leastMs + spread);
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * For how long a provider that asks for less is left alone, in milliseconds: as it says; where it does not say,
 * 1 s, doubled for each time in a row, up to a minute.
 */
export function pauseMs(retryAfterMs: number | null, timesInARow: number): number {
  return retryAfterMs ?? Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(timesInARow - 1, 10));
}
