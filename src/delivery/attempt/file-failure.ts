import type { FetchFailure } from '../../media/fetching/failure.ts';
import type { FailedOutcome, SendOutcome } from '../../providers/provider.ts';

const TOO_LARGE = 'attachment_too_large';
/** The codes of failures that another attempt would repeat, by the code of the failure. */
const FINAL_CODES: Partial<Record<FetchFailure['code'], string>> = {
  address_not_allowed: 'attachment_not_allowed',
  not_found: 'attachment_not_found',
  too_large: TOO_LARGE,
};
const UNREACHABLE = 'attachment_unreachable';
const NOT_READ = 'files_unavailable';
const CODES = new Set<string>([...Object.values(FINAL_CODES), UNREACHABLE, NOT_READ]);

/** Outcome without a call: a file of the message could not be fetched. */
export function fileFailure({ code, message, retryAfterMs }: FetchFailure): FailedOutcome {
  const final = FINAL_CODES[code];
  const reason = {
    httpStatus: null,
    class: 'content_rejected' as const,
    detail: `${message} The provider was not called.`,
  };
  if (final !== undefined) return { outcome: 'rejected', code: final, ...reason };
  return { outcome: 'unavailable', code: UNREACHABLE, ...reason, retryAfterMs, isOperatorError: false };
}

/** Outcome without a call: the store could not be read. */
export const FILES_NOT_READ: FailedOutcome = {
  ...{ outcome: 'unavailable', httpStatus: null, class: 'provider_error', code: NOT_READ },
  detail: 'The files of the message could not be read; the provider was not called',
  ...{ retryAfterMs: null, isOperatorError: false },
};

/** Outcome without a call: the files exceed the limit of this account, and another account has a larger limit. */
export function tooLargeForAccount(maxBytes: number): FailedOutcome {
  return {
    ...{ outcome: 'unavailable', httpStatus: null, class: 'content_rejected', code: TOO_LARGE },
    detail: `The files have more than ${maxBytes} bytes, the limit of this account; the provider was not called`,
    ...{ retryAfterMs: null, isOperatorError: false },
  };
}

/** Whether another account with a larger limit can send the message. */
export function isTooLargeHere(outcome: SendOutcome): boolean {
  return outcome.outcome === 'unavailable' && isOfFiles(outcome) && outcome.code === TOO_LARGE;
}

/** Whether the files of a message are the reason that its provider was not called. */
export function isOfFiles(outcome: SendOutcome): boolean {
  return outcome.outcome !== 'accepted' && outcome.httpStatus === null && CODES.has(outcome.code);
}
