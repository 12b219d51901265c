import type { AccountCheck, FailedOutcome } from '../provider.ts';

/** The result of a check whose request failed. A failure that may be gone in a minute is a warning. */
export function failedCheck(what: string, failure: FailedOutcome): AccountCheck {
  const { outcome, httpStatus, code, detail } = failure;
  const isTemporary = outcome === 'throttled' || outcome === 'rejected' || httpStatus !== null;
  const status = httpStatus === null ? '' : `HTTP ${httpStatus}, `;
  const isFault = outcome === 'unavailable' || !isTemporary;
  return { result: isFault ? 'fault' : 'warning', text: `${what}: ${detail} (${status}${code})` };
}
