import type { ConnectionError } from './errors.ts';
import { retryAfter } from './retry-after.ts';

export interface RetryPolicy {
  /** Maximum number of retries. */
  maxRetries: number;
  /** Maximum delay before the first retry in milliseconds, doubled for each further retry. */
  retryDelay: number;
  /** Maximum `Retry-After` in milliseconds. For a longer time, the call fails with the error and its `retryAfter`. Default: 60,000. */
  maxRetryAfter?: number | undefined;
}

/** Maximum jitter in milliseconds, for any number of retries. */
const MAX_JITTER = 8_000;
export const UNLIMITED = Infinity;
/** The maximum delay of a timer. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/** Whether a retry may succeed. Every request is safe to repeat. */
export function isTransient(outcome: Response | ConnectionError): boolean {
  // Without a response there is no status.
  const { status = 500 } = outcome as Partial<Response>;
  return status === 408 || status === 429 || status >= 500;
}

/**
 * The delay before the next retry in milliseconds: exponential backoff with full jitter, added to `Retry-After`. Null if
 * the call ends with this outcome.
 *
 * @param retries the number of retries so far.
 * @param random from 0 to 1.
 */
export function delayAfter(
  outcome: Response | ConnectionError,
  retries: number,
  policy: RetryPolicy,
  random = Math.random(),
): number | null {
  const { maxRetries, retryDelay, maxRetryAfter = 60_000 } = policy;
  const minimum = (retryAfter(outcome as Partial<Response>) ?? 0) * 1_000;
  if (retries >= maxRetries || !isTransient(outcome) || minimum > maxRetryAfter) return null;
  return minimum + random * Math.min(MAX_JITTER, retryDelay * 2 ** retries);
}

/** Calls a function after a delay, at most after the maximum delay of a timer. */
export function after(milliseconds: number, action: () => void): ReturnType<typeof setTimeout> {
  return setTimeout(action, Math.min(milliseconds, MAX_TIMEOUT));
}

/** Resolves after the delay; rejects with the signal's reason when the signal is aborted. */
export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = after(milliseconds, () => {
      release();
      resolve();
    });
    const release = onAbort(signal, () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/**
 * Calls a function when a signal is aborted, or at once if the signal is aborted already.
 *
 * @returns a function that removes the listener.
 */
export function onAbort(signal: AbortSignal | undefined, action: () => void): () => void {
  if (signal?.aborted) action();
  signal?.addEventListener('abort', action);
  return () => signal?.removeEventListener('abort', action);
}
