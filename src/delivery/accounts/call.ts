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
  /** Another account failed for the message before: a failure says more about the message than about this account. */
  failedOver: boolean;
  /** The call finds out whether an unavailable provider is available again. */
  probing: boolean;
  startedAt: number;
  /** Calls and outcomes in one order. */
  sequence: number;
}

/** A call that takes longer may hang and does not count towards the window. */
const HANGING_MS = 1_000;

export function isHanging({ startedAt }: Call, now: number): boolean {
  return now - startedAt >= HANGING_MS;
}

/** The same text for the same recipients, whatever the sender is. */
export function recipientsOf({ to }: Callable): string {
  return [...to].sort().join(' ');
}

export function isRetry({ attempt_count }: Pick<Callable, 'attempt_count'>): boolean {
  return attempt_count > 1;
}
