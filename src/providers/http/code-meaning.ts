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

/**
 * The meaning of a status without a known code, for kinds whose documents do not say that a request with a 5xx was not processed:
 * a 429 was never processed; a 5xx and a 408 may have been, unless a proxy reports that it did not reach the provider (521, 523,
 * and for TLS 525 and 526).
 */
export function meaningOfStatus(status: number): CodeMeaning {
  if (status === 429) return meaning('throttled', 'rate_limited');
  if (status === 521 || status === 523) return meaning('unavailable', 'provider_error');
  if (
    [401, 402, 403, 404, 405, 407, 411, 415, 525, 526].includes(status) ||
    (status >= 300 && status < 400 && status !== 303)
  )
    return meaning('unavailable', 'account_problem', true);
  if (status === 408 || status === 303 || status === 499 || status < 400 || status >= 500)
    return meaning('unknown', 'provider_error');
  return meaning('rejected', 'provider_error');
}
