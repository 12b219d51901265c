import { ConnectionError } from './errors.ts';
import { retryAfter } from './retry-after.ts';

export interface RetryPolicy {
  /** How often a request is made again at the most. */
  maxRetries: number;
  /** Milliseconds that the first wait has at the most; each further one has twice as many. */
  retryDelay: number;
}

/** Milliseconds that the jitter has at the most, however many tries there were. */
const LONGEST_JITTER = 8_000;
/** Milliseconds. Whoever is told to wait longer than this is given the error, with its `retryAfter`. */
const LONGEST_WAIT = 60_000;

/** Whether the same request may well have another answer later. Every request is safe to repeat. */
export function isTransient(outcome: Response | ConnectionError): boolean {
  if (outcome instanceof ConnectionError) return true;
  return outcome.status === 408 || outcome.status === 429 || outcome.status >= 500;
}

/**
 * The milliseconds to wait before a request is made again, or null where this outcome is to be the last:
 * exponential with full jitter, on top of what `Retry-After` asks for.
 *
 * @param retries how often it was made again so far.
 * @param random from 0 to 1.
 */
export function delayAfter(
  outcome: Response | ConnectionError,
  retries: number,
  policy: RetryPolicy,
  random = Math.random(),
): number | null {
  if (retries >= policy.maxRetries || !isTransient(outcome)) return null;
  const asked = outcome instanceof ConnectionError ? 0 : (retryAfter(outcome) ?? 0) * 1_000;
  if (asked > LONGEST_WAIT) return null;
  return asked + random * Math.min(LONGEST_JITTER, policy.retryDelay * 2 ** retries);
}

/** Waits, and rejects with the signal's reason as soon as it is aborted. */
export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', abort, { once: true });
  });
}
