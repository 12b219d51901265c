import type { Dialect } from '../http/client.ts';
import { failedAs, isNotProcessed, meaningOfStatus } from '../http/code-meaning.ts';
import { toStorable } from '../http/failure.ts';
import { type ProviderResponse, parseJson } from '../http/response.ts';
import type { FailedOutcome, SendOutcome } from '../provider.ts';
import { meaningOfCode, pageOfCode, readErrorCode } from './codes.ts';

/** The SID of a message: `SM` for SMS, `MM` for MMS. */
const MESSAGE_SID = /^(?:SM|MM)[0-9a-fA-F]{32}$/;

/**
 * How Twilio's responses become outcomes. Twilio has no idempotency keys, and after a 500 it may have sent the message
 * (https://www.twilio.com/docs/api/errors/20500).
 */
export const twilioDialect: Dialect = {
  readSuccess,
  readFailure,
  isTransient: (response) => isNotProcessed(readFailure(response)),
  supportsIdempotencyKeys: false,
};

export function isMessageSid(sid: unknown): sid is string {
  return typeof sid === 'string' && MESSAGE_SID.test(sid);
}

function readSuccess({ status: httpStatus, text }: ProviderResponse): SendOutcome {
  const sid = (parseJson(text) as { sid?: unknown } | null)?.sid;
  if (isMessageSid(sid)) return { outcome: 'accepted', httpStatus, providerMessageId: sid };
  const detail = `Twilio responded with ${httpStatus} without the SID of a message`;
  return { outcome: 'unknown', httpStatus, class: 'provider_error', code: 'malformed_response', detail };
}

/** The code in the body decides; a response without a known code is read by its status. */
function readFailure({ status: httpStatus, text, retryAfterMs }: ProviderResponse): FailedOutcome {
  const { code: given, message } = (parseJson(text) ?? {}) as { code?: unknown; message?: unknown };
  const code = readErrorCode(given);
  const meaning = (code && meaningOfCode(code)) || meaningOfStatus(httpStatus);
  return failedAs(meaning, retryAfterMs, {
    httpStatus,
    code: code ?? `http_${httpStatus}`,
    detail: typeof message === 'string' ? toStorable(message) : `Twilio responded with ${httpStatus}`,
    ...(code !== null && { url: pageOfCode(code) }),
  });
}
