import type { SendOutcome } from '../../providers/provider.ts';

/** The parts of a message that the breaker uses. */
export interface Callable {
  /** The recipients, without copies. */
  to: readonly string[];
  /** The number of the attempt, from 1. */
  attempt_count: number;
}

/** A call in progress. */
export interface Call {
  message: Callable;
  /** Whether another account failed for the message before. A failure then does not count for the breaker. */
  failedOver: boolean;
  /** Whether the call is a probe: the breaker was not closed when the call began. */
  probing: boolean;
  startedAt: number;
  /** The position in the common order of the begins and ends of calls. */
  sequence: number;
}

/**
 * `answered`: a look-up that neither found the message nor failed. Null: the provider was not called, or the call was
 * aborted.
 */
export type CallOutcome = SendOutcome['outcome'] | 'answered' | null;

/** A call that takes longer may hang and does not count towards the window. */
const HANGING_MS = 1_000;

export function isHanging({ startedAt }: Call, now: number): boolean {
  return now - startedAt >= HANGING_MS;
}

/** Returns the same text for the same recipients in any order. */
export function recipientsOf({ to }: Callable): string {
  return [...to].sort().join(' ');
}

export function isRetry({ attempt_count }: Pick<Callable, 'attempt_count'>): boolean {
  return attempt_count > 1;
}
