import type { Dialect } from '../http/client.ts';
import { failedAs, isNotProcessed } from '../http/code-meaning.ts';
import { isMessageId, toStorable } from '../http/failure.ts';
import { rateLimitResetMs } from '../http/rate-limit.ts';
import { type ProviderResponse, parseJson } from '../http/response.ts';
import type { FailedOutcome, SendOutcome } from '../provider.ts';
import { errorsIn, meaningOf } from './errors.ts';

/** How SendGrid's responses become outcomes. SendGrid has no idempotency keys, and after a 5xx it may have sent the email. */
export const sendgridDialect: Dialect = {
  readSuccess,
  readFailure,
  isTransient: (response) => isNotProcessed(readFailure(response)),
  supportsIdempotencyKeys: false,
};

/** The response has no body: the id is in a header. Events have an id that begins with this id. */
function readSuccess({ status: httpStatus, headers }: ProviderResponse): SendOutcome {
  const id = headers['x-message-id'];
  if (isMessageId(id)) return { outcome: 'accepted', httpStatus, providerMessageId: id };
  const detail = `SendGrid responded with ${httpStatus} without the header X-Message-Id`;
  return { outcome: 'unknown', httpStatus, class: 'provider_error', code: 'malformed_response', detail };
}

function readFailure({ status: httpStatus, headers, text, retryAfterMs }: ProviderResponse): FailedOutcome {
  const { error, means } = meaningOf(httpStatus, errorsIn(parseJson(text)));
  const detail = error ? toStorable(error.field ? `${error.field}: ${error.message}` : error.message) : null;
  const resetMs = () => rateLimitResetMs(headers['x-ratelimit-reset'], Date.now());
  return failedAs(means, retryAfterMs ?? (means.outcome === 'throttled' ? resetMs() : null), {
    ...{ httpStatus, code: means.code, detail: detail ?? `SendGrid responded with ${httpStatus}` },
  });
}
