import type { Dialect } from '../http/client.ts';
import { failedAs, isNotProcessed } from '../http/code-meaning.ts';
import { isMessageId, toStorable } from '../http/failure.ts';
import { type ProviderResponse, parseJson } from '../http/response.ts';
import type { FailedOutcome, RefusedRecipient, SendOutcome } from '../provider.ts';
import { CODES_PAGE, meaningOf, readErrorCode } from './codes.ts';

/**
 * How Postmark's responses become outcomes. Postmark has no idempotency keys; after a 503 it has certainly not sent the email, and
 * after any other 5xx it may have.
 */
export const postmarkDialect: Dialect = {
  readSuccess: (response) => readSuccess(response, []),
  readFailure,
  isTransient: (response) => isNotProcessed(readFailure(response)),
  supportsIdempotencyKeys: false,
};

interface Body {
  ErrorCode?: unknown;
  Message?: unknown;
  MessageID?: unknown;
}

/** @param recipients of the request. */
export function readSuccess(response: ProviderResponse, recipients: readonly string[]): SendOutcome {
  const { status: httpStatus } = response;
  const body = (parseJson(response.text) ?? {}) as Body;
  if (readErrorCode(body.ErrorCode) !== null) return readFailure(response);
  const { MessageID: providerMessageId } = body;
  if (isMessageId(providerMessageId)) {
    const refused = refusedIn(body.Message, recipients, httpStatus);
    return {
      ...{ outcome: 'accepted', httpStatus, providerMessageId },
      ...(refused.length > 0 && { refused }),
    };
  }
  const detail = `Postmark responded with ${httpStatus} without the id of a message`;
  return { outcome: 'unknown', httpStatus, class: 'provider_error', code: 'malformed_response', detail };
}

/**
 * Postmark drops recipients who bounced, complained or unsubscribed earlier. The response is a success whose text names them; the
 * wording of the text changes, so that each recipient in it counts.
 */
function refusedIn(text: unknown, recipients: readonly string[], httpStatus: number): RefusedRecipient[] {
  if (typeof text !== 'string' || !/\binactive\b/i.test(text)) return [];
  const words = text.toLowerCase().split(/[\s,;:<>"()]+/);
  // Punctuation and quotes can stand around an address, which can begin or end with none of them.
  const named = new Set(words.flatMap((word) => [word, word.replace(/^'+|[.']+$/g, '')]));
  const isNamed = (address: string) => named.has(address);
  return recipients
    .filter((address) => isNamed(address.toLowerCase()))
    .map((address) => ({
      ...{ address, outcome: 'rejected', httpStatus, class: 'opted_out', code: '406' },
      ...{ detail: toStorable(text), url: CODES_PAGE },
    }));
}

function readFailure({ status: httpStatus, text, retryAfterMs }: ProviderResponse): FailedOutcome {
  const body = (parseJson(text) ?? {}) as Body;
  const code = readErrorCode(body.ErrorCode);
  const message = typeof body.Message === 'string' ? body.Message : '';
  return failedAs(meaningOf(httpStatus, code, message), retryAfterMs, {
    ...{ httpStatus, code: code ?? `http_${httpStatus}` },
    detail: toStorable(message) || `Postmark responded with ${httpStatus}`,
    ...(code !== null && { url: CODES_PAGE }),
  });
}
