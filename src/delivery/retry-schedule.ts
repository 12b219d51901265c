const BASE_MS = 1_000;
const CAP_MS = 60 * 60 * 1_000;
/** After this long a message is given up. */
export const GIVE_UP_AFTER_MS = 24 * 60 * 60 * 1_000;

export interface RetryQuestion {
  /** How many attempts have used up their turn, this one included; 0 where all were throttled. */
  retries: number;
  /** The least to wait, as the provider asked; null where it did not. */
  retryAfterMs: number | null;
  /** When the message was first due. */
  since: Date;
  now: Date;
  /** At least 0, below 1. */
  random: number;
}

/**
 * When to try again, or null to give up: exponential with full jitter (a uniform part of 1 s, 2 s, 4 s … 1 h, so
 * that a backlog does not come back all at once), on top of whatever the provider asked for.
 */
export function nextAttempt({ retries, retryAfterMs, since, now, random }: RetryQuestion): Date | null {
  const spread = random * Math.min(CAP_MS, BASE_MS * 2 ** Math.max(0, retries - 1));
  const at = now.getTime() + (retryAfterMs ?? 0) + spread;
  return at - since.getTime() > GIVE_UP_AFTER_MS ? null : new Date(at);
}
