import { ConnectionError } from './errors.ts';
import { retryAfter } from './retry-after.ts';

export interface RetryPolicy {
  /** Maximum number of retries. */
  maxRetries: number;
  /** Maximum delay before the first retry in milliseconds, doubled for each further retry. */
  retryDelay: number;
}

/** Maximum jitter in milliseconds, for any number of retries. */
const MAX_JITTER = 8_000;
/** Maximum `Retry-After` in milliseconds. For a longer time, the call fails with the error and its `retryAfter`. */
const MAX_RETRY_AFTER = 60_000;

/** Whether a retry may succeed. Every request is safe to repeat. */
export function isTransient(outcome: Response | ConnectionError): boolean {
  if (outcome instanceof ConnectionError) return true;
  return outcome.status === 408 || outcome.status === 429 || outcome.status >= 500;
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
  if (retries >= policy.maxRetries || !isTransient(outcome)) return null;
  const minimum = outcome instanceof ConnectionError ? 0 : (retryAfter(outcome) ?? 0) * 1_000;
  if (minimum > MAX_RETRY_AFTER) return null;
  return minimum + random * Math.min(MAX_JITTER, policy.retryDelay * 2 ** retries);
}

/** Resolves after the delay; rejects with the signal's reason when the signal is aborted. */
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
