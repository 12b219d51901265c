import type { BreakerCall } from '../../outbox/circuit-breaker.ts';
import type { SendOutcome } from '../../providers/provider.ts';

/** The parts of a message that the breaker uses. */
export interface Callable {
  /** The recipients, without copies. */
  to: readonly string[];
  /** The number of the attempt, from 1. */
  attempt_count: number;
}

/** A call in progress. */
export interface Call extends BreakerCall {
  message: Callable;
  /** Whether another account failed for the message before. A failure then does not count for the breaker. */
  failedOver: boolean;
}

/**
 * `answered`: a look-up that neither found the message nor failed. Null: the provider was not called, or the call was
 * aborted.
 */
export type CallOutcome = SendOutcome['outcome'] | 'answered' | null;

/** Returns the same text for the same recipients in any order. */
export function recipientsOf({ to }: Callable): string {
  return [...to].sort().join(' ');
}

export function isRetry({ attempt_count }: Pick<Callable, 'attempt_count'>): boolean {
  return attempt_count > 1;
}
