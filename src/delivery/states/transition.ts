import type { Delivery } from '../../db/models/delivery.ts';
import { type Capabilities, canReconcile } from '../../providers/capabilities.ts';
import type { Provider, SendOutcome } from '../../providers/provider.ts';
import { nextAttempt } from '../backoff.ts';
import type { Claimed } from '../claim.ts';
import { type Event, TRANSITIONS } from './table.ts';

/** The next state of a delivery. */
export interface Transition {
  status: Delivery['status'];
  /** The reason for the status; for a queued message, the error of this attempt. */
  error: Delivery['error'];
  /**
   * The account that the message is assigned to, or null if any account may send the message. After the last attempt, the
   * account of that attempt.
   */
  provider: string | null;
  nextAttemptAt: Date | null;
  /** Whether the attempt counts towards the backoff. */
  countsAsRetry: boolean;
  mayHaveBeenSent: boolean;
}

export interface TransitionInput {
  message: Pick<Claimed, 'retry_count' | 'may_have_been_sent' | 'partly_sent' | 'expires_at'>;
  outcome: SendOutcome;
  /** False if the provider throttled only this recipient. */
  throttlesAccount?: boolean;
  /** Whether a recipient is suppressed whom an earlier attempt may have reached: the message is not sent again. */
  isSuppressed?: boolean;
  provider: Pick<Provider, 'name' | 'capabilities'>;
  /** The account to fail over to, or null if there is none. */
  fallback: string | null;
  /** The account that the message is assigned to while any account that can send it may do so; null if all accounts can. */
  unassigned: string | null;
  /** The time for which a provider may still process an aborted request, in milliseconds. */
  timeoutMs: number;
  now: Date;
  /** At least 0, below 1. */
  random: number;
}

/** The next state of a delivery after an attempt, as a pure function of the outcome. */
export function nextState({
  message,
  outcome,
  throttlesAccount = true,
  isSuppressed = false,
  provider,
  fallback,
  unassigned,
  timeoutMs,
  now,
  random,
}: TransitionInput): Transition {
  const { idempotencyKeys, lookUp } = provider.capabilities;
  const mayHaveBeenSent = message.may_have_been_sent || outcome.outcome === 'unknown';
  const transition = {
    error: null,
    nextAttemptAt: null,
    provider: provider.name,
    countsAsRetry: true,
    mayHaveBeenSent,
  };
  if (outcome.outcome === 'accepted') {
    const open = outcome.refused?.find((refusal) => refusal.outcome === 'unavailable');
    if (!open) return { ...transition, status: after('accepted') };
    const { code, detail, class: errorClass, url = null } = open;
    return {
      ...{ ...transition, status: after('partly_accepted'), error: { code, detail, class: errorClass, url } },
      nextAttemptAt: nextAttempt({ retries: message.retry_count + 1, leastMs: 0, now, random }),
      // The provider has refused the recipients who remain.
      mayHaveBeenSent: false,
    };
  }
  const { code, class: errorClass, url = null } = outcome;
  const error = { code, detail: outcome.detail, class: errorClass, url };
  if (outcome.outcome === 'rejected') return { ...transition, status: after('rejected'), error };
  const isUnknown = outcome.outcome === 'unknown';
  // An earlier attempt may have succeeded, so this attempt was a look-up.
  const isLastLookUp =
    message.may_have_been_sent &&
    (!idempotencyKeys || isSuppressed) &&
    lookUp === 'by_circumstances' &&
    !(isUnknown && outcome.isLookUpFailure);
  const isFinal = !canResolve(provider.capabilities, isSuppressed) || isLastLookUp;
  if (isUnknown && (isFinal || outcome.isFinal))
    return { ...transition, status: after('unknown_unresolvable'), error };
  if (isUnknown && message.expires_at <= now) {
    const detail = `The message expired; the outcome of the last attempt was unknown (${outcome.code})`;
    return { ...transition, status: after('unknown_unresolvable'), error: { code: 'expired', detail } };
  }
  const status = after(outcome.outcome === 'unknown' ? 'unknown_resolvable' : outcome.outcome);
  const queued = { ...transition, status, error };
  const isPinned = mayHaveBeenSent || message.partly_sent;
  if (outcome.outcome === 'unavailable' && !isPinned && fallback !== null)
    return { ...queued, provider: fallback, nextAttemptAt: now, countsAsRetry: false };
  const countsAsRetry = outcome.outcome !== 'throttled' || !throttlesAccount;
  const retryAfterMs = 'retryAfterMs' in outcome ? (outcome.retryAfterMs ?? 0) : 0;
  const nextAttemptAt = nextAttempt({
    retries: message.retry_count + (countsAsRetry ? 1 : 0),
    // The provider may still process an aborted request: an earlier look-up would not find the message.
    leastMs: isUnknown && !idempotencyKeys ? Math.max(timeoutMs, retryAfterMs) : retryAfterMs,
    now,
    random,
  });
  // A message that may have been sent, or is partly sent, stays with the same account.
  return { ...queued, provider: isPinned ? provider.name : unassigned, nextAttemptAt, countsAsRetry };
}

/** Whether an unknown outcome can be resolved; for a suppressed recipient by look-up only. */
export function canResolve(capabilities: Capabilities, isSuppressed: boolean): boolean {
  return isSuppressed ? capabilities.lookUp !== null : canReconcile(capabilities);
}

function after(event: Event): Transition['status'] {
  return TRANSITIONS.sending[event];
}
