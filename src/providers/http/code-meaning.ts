import type { ErrorClass } from '../../openapi/error-class.ts';
import type { FailedOutcome } from '../provider.ts';

/** The meaning of a provider's error code, or of a status without a known code. */
export interface CodeMeaning {
  /** The outcome of a send that failed in this way. */
  outcome: FailedOutcome['outcome'];
  class: ErrorClass;
  /** The credentials, the registration, the credit or the sender is wrong: every message fails until the operator acts. */
  isOperatorError: boolean;
}

export function meaning(
  outcome: CodeMeaning['outcome'],
  errorClass: ErrorClass,
  isOperatorError = false,
): CodeMeaning {
  return { outcome, class: errorClass, isOperatorError };
}

/** The meanings that codes of several kinds have. */
export const THROTTLED = meaning('throttled', 'rate_limited');
export const NOT_PROCESSED = meaning('unavailable', 'provider_error');
export const OPERATOR = meaning('unavailable', 'account_problem', true);
export const SENDER = meaning('unavailable', 'sender_not_allowed', true);
export const DESTINATION = meaning('rejected', 'invalid_destination');
export const CONTENT = meaning('rejected', 'content_rejected');
/** The message or the request is at fault in another way. */
export const REQUEST = meaning('rejected', 'provider_error');
export const UNKNOWN = meaning('unknown', 'provider_error');

/**
 * The outcome of a failed response.
 *
 * @param retryAfterMs the delay for which the response asks; null if it names none.
 */
export function failedAs(
  { outcome, class: errorClass, isOperatorError }: CodeMeaning,
  retryAfterMs: number | null,
  failure: Pick<FailedOutcome, 'httpStatus' | 'code' | 'detail' | 'url'>,
): FailedOutcome {
  const failed = { ...failure, class: errorClass };
  if (outcome === 'throttled') return { ...failed, outcome, retryAfterMs };
  if (outcome === 'unavailable') return { ...failed, outcome, retryAfterMs, isOperatorError };
  return { ...failed, outcome };
}

/** Whether the same request may succeed some seconds later: it was not processed, and the operator need not act. */
export function isNotProcessed(outcome: FailedOutcome): boolean {
  return outcome.outcome === 'unavailable' && !outcome.isOperatorError;
}

/**
 * The meaning of a status without a known code, for kinds whose documents do not say that a request with a 5xx was not processed:
 * a 429 was never processed; a 5xx and a 408 may have been, unless a proxy reports that it did not reach the provider (521, 523,
 * and for TLS 525 and 526).
 */
export function meaningOfStatus(status: number): CodeMeaning {
  if (status === 429) return THROTTLED;
  if (status === 521 || status === 523) return NOT_PROCESSED;
  if (
    [401, 402, 403, 404, 405, 407, 411, 415, 525, 526].includes(status) ||
    (status >= 300 && status < 400 && status !== 303)
  )
    return OPERATOR;
  if (status === 408 || status === 303 || status === 499 || status < 400 || status >= 500) return UNKNOWN;
  return REQUEST;
}
