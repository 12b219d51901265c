import { doubled } from '../outbox/backoff.ts';

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
  const spread = random * doubled(BASE_MS, retries - 1, CAP_MS);
  return new Date(now.getTime() + leastMs + spread);
}
