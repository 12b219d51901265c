import type { Dialect } from '../http/client.ts';
import { failedAs, isNotProcessed, meaningOfStatus } from '../http/code-meaning.ts';
import { toStorable } from '../http/failure.ts';
import { type ProviderResponse, parseJson } from '../http/response.ts';
import type { FailedOutcome, SendOutcome } from '../provider.ts';
import { meaningOfCode, pageOfCode, readErrorCode } from './codes.ts';

/** The id of a message is a UUID. */
const MESSAGE_UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * How responses of the Messages API become outcomes. Vonage has no idempotency keys, and does not document that a request with a
 * 5xx was not processed. Source: https://developer.vonage.com/en/api/messages
 */
export const vonageDialect: Dialect = {
  readSuccess,
  readFailure,
  isTransient: (response) => isNotProcessed(readFailure(response)),
  supportsIdempotencyKeys: false,
};

export function isMessageUuid(id: unknown): id is string {
  return typeof id === 'string' && MESSAGE_UUID.test(id);
}

function readSuccess({ status: httpStatus, text }: ProviderResponse): SendOutcome {
  const id = (parseJson(text) as { message_uuid?: unknown } | null)?.message_uuid;
  if (isMessageUuid(id)) return { outcome: 'accepted', httpStatus, providerMessageId: id };
  const detail = `Vonage responded with ${httpStatus} without the UUID of a message`;
  return { outcome: 'unknown', httpStatus, class: 'provider_error', code: 'malformed_response', detail };
}

/** The code in the body decides; a response without a known code is read by its status. */
function readFailure({ status: httpStatus, text, retryAfterMs }: ProviderResponse): FailedOutcome {
  const error = (parseJson(text) ?? {}) as { type?: unknown; title?: unknown; detail?: unknown };
  const code = readErrorCode(error);
  const meaning = (code && meaningOfCode(code)) || meaningOfStatus(httpStatus);
  const { detail, title } = error;
  const given = [detail, title].find((each) => typeof each === 'string' && each !== '');
  return failedAs(meaning, retryAfterMs, {
    httpStatus,
    code: code ?? `http_${httpStatus}`,
    detail: typeof given === 'string' ? toStorable(given) : `Vonage responded with ${httpStatus}`,
    ...(code !== null && { url: pageOfCode(code) }),
  });
}
