import type { Dialect } from '../http/client.ts';
import { failedAs, isNotProcessed, meaningOfStatus } from '../http/code-meaning.ts';
import { isMessageId, toStorable } from '../http/failure.ts';
import { rateLimitResetMs } from '../http/rate-limit.ts';
import { type ProviderResponse, parseJson } from '../http/response.ts';
import type { FailedOutcome, SendOutcome } from '../provider.ts';
import { meaningOfCode, pageOfCode, readErrorCode } from './codes.ts';

/**
 * How Telnyx's responses become outcomes. Telnyx has no idempotency keys for messages, and after a 5xx it may have sent the
 * message.
 */
export const telnyxDialect: Dialect = {
  readSuccess,
  readFailure,
  isTransient: (response) => isNotProcessed(readFailure(response)),
  supportsIdempotencyKeys: false,
};

/** The id of a message; of a group message, the id that all its reports have. */
export function messageIdOf(message: { id?: unknown; group_message_id?: unknown } | null): string | null {
  return [message?.group_message_id, message?.id].find(isMessageId) ?? null;
}

function readSuccess({ status: httpStatus, text }: ProviderResponse): SendOutcome {
  const { data } = (parseJson(text) ?? {}) as { data?: Parameters<typeof messageIdOf>[0] };
  const providerMessageId = messageIdOf(data ?? null);
  if (providerMessageId !== null) return { outcome: 'accepted', httpStatus, providerMessageId };
  const detail = `Telnyx responded with ${httpStatus} without the id of a message`;
  return { outcome: 'unknown', httpStatus, class: 'provider_error', code: 'malformed_response', detail };
}

interface TelnyxError {
  code: string | null;
  text: string | null;
}

/** The code in the body decides; a response without a known code is read by its status. */
function readFailure({ status: httpStatus, headers, text, retryAfterMs }: ProviderResponse): FailedOutcome {
  const { code, text: detail } = errorIn(parseJson(text));
  const meaning = (code && meaningOfCode(code)) || meaningOfStatus(httpStatus);
  const resetMs = () => rateLimitResetMs(headers['x-ratelimit-reset'], Date.now());
  return failedAs(meaning, retryAfterMs ?? (meaning.outcome === 'throttled' ? resetMs() : null), {
    httpStatus,
    code: code ?? `http_${httpStatus}`,
    detail: detail === null ? `Telnyx responded with ${httpStatus}` : toStorable(detail),
    ...(code !== null && { url: pageOfCode(code) }),
  });
}

/** The first error with a known code, otherwise the first error. */
function errorIn(json: unknown): TelnyxError {
  const { errors } = (json ?? {}) as { errors?: unknown };
  const read = (Array.isArray(errors) ? errors.slice(0, 20) : []).map(readError);
  const known = read.find(({ code }) => code !== null && meaningOfCode(code) !== null);
  return known ?? read[0] ?? { code: null, text: null };
}

function readError(error: unknown): TelnyxError {
  const { code, title, detail } = (error ?? {}) as { code?: unknown; title?: unknown; detail?: unknown };
  const text = [detail, title].find((each): each is string => typeof each === 'string' && each !== '');
  return { code: readErrorCode(code), text: text ?? null };
}
