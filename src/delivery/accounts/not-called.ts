import type { ErrorClass } from '../../openapi/error-class.ts';
import { refusalOf } from '../../providers/eligibility.ts';
import type { FailedOutcome, Provider, SendOutcome } from '../../providers/provider.ts';
import type { Routable } from '../../providers/routable.ts';

export const STALLED = notCalled(
  'worker_stalled',
  'The worker process was suspended, or the database was slow',
);
export const STOPPED = notCalled('worker_stopped', 'The worker was stopped');
export const UNCHECKED = notCalled('ledger_unavailable', 'The suppressions could not be read');

/** Outcome without a call: the provider could not fetch the stored files of the message. */
export const NO_LINKS: FailedOutcome = {
  ...notCalled(
    'public_url_missing',
    'The message has files of media_ids, and this worker has no PUBLIC_URL for their links',
    'account_problem',
  ),
  isOperatorError: true,
};

const SUPPRESSED = 'recipient_suppressed';

/** Outcome without a call: an earlier attempt may have succeeded, and the provider supports neither idempotency keys nor look-up. */
export const CANNOT_RECONCILE: FailedOutcome = {
  ...{ outcome: 'unknown', httpStatus: null, class: 'provider_error', code: 'may_have_been_sent' },
  detail: 'An earlier attempt may have succeeded and the provider cannot confirm it',
};

/** Outcome without a call: the times of the earlier calls could not be read. Another attempt reads them. */
export const TIMES_NOT_READ: FailedOutcome = {
  ...{ outcome: 'unknown', isLookUpFailure: true, httpStatus: null, class: 'provider_error' },
  ...{
    code: CANNOT_RECONCILE.code,
    detail: 'An earlier attempt may have succeeded; its time could not be read',
  },
};

/** Outcome of an error of this service before a call to send. */
export const FAILED_BEFORE_CALL = notCalled('internal_error', 'An internal error occurred');

/** Outcome of an error of this service during a call to send. */
export const FAILED_DURING_CALL: FailedOutcome = {
  ...{ outcome: 'unknown', httpStatus: null, class: 'provider_error', code: 'internal_error' },
  detail: 'An internal error occurred during the call; the message may have been sent',
};

/** Outcome without a call: a repeat of the earlier attempt would be another message. */
export const KEY_EXPIRED: FailedOutcome = {
  ...{
    outcome: 'unknown',
    isFinal: true,
    httpStatus: null,
    class: 'provider_error',
    code: CANNOT_RECONCILE.code,
  },
  detail: 'An earlier attempt may have succeeded, and its idempotency key is not valid any more',
};

/** Outcome without a call: no recipient remains whom the ledger allows. */
export function suppressed(detail: string | null): FailedOutcome {
  const reason = detail ?? 'The recipient is suppressed';
  return {
    ...{ outcome: 'rejected', httpStatus: null, class: 'opted_out', code: SUPPRESSED },
    detail: `${reason}; the provider was not called`,
  };
}

export function isSuppressed(outcome: SendOutcome): boolean {
  return outcome.outcome === 'rejected' && outcome.code === SUPPRESSED && outcome.httpStatus === null;
}

/** Outcome of a look-up that the provider has answered. */
export const NOT_IDENTIFIED: FailedOutcome = {
  ...{ outcome: 'unknown', httpStatus: null, class: 'provider_error', code: 'may_have_been_sent' },
  detail:
    'An earlier attempt may have succeeded; the look-up found no message that is certainly this message',
};

/**
 * Outcome without a call: by the current configuration, this account cannot send the message.
 *
 * @param eligible the accounts of the channel that can send the message.
 * @param accounts all accounts of the channel.
 */
export function notEligible(
  message: Routable,
  provider: Provider,
  eligible: readonly Provider[],
  accounts: readonly Provider[],
): FailedOutcome {
  const { code, message: reason } = refusalOf(eligible.length > 0 ? [provider] : accounts, message);
  const detail =
    eligible.length > 0
      ? `With the current configuration, ${provider.name} cannot send this message`
      : reason.replace(/\.$/, '');
  const errorClass = code === 'no_provider_for_sender' ? 'sender_not_allowed' : 'account_problem';
  return { ...notCalled(code, detail, errorClass), isOperatorError: true };
}

function notCalled(code: string, reason: string, errorClass: ErrorClass = 'provider_error') {
  return {
    ...{ outcome: 'unavailable' as const, httpStatus: null, retryAfterMs: null, isOperatorError: false },
    ...{ class: errorClass, code, detail: `${reason}; the provider was not called` },
  };
}
