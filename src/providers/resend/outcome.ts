import type { Dialect } from '../http/client.ts';
import { failedAs, meaningOfStatus } from '../http/code-meaning.ts';
import { isMessageId, toStorable } from '../http/failure.ts';
import { type ProviderResponse, parseJson } from '../http/response.ts';
import type { FailedOutcome, SendOutcome } from '../provider.ts';
import { meaningOfName, readErrorName } from './codes.ts';

/** How responses of Resend become outcomes. An unknown request is repeated with its key, which is valid for 24 hours. */
export const resendDialect: Dialect = {
  readSuccess,
  readFailure,
  isTransient: ({ status }) => [500, 502, 503, 504, 521, 523].includes(status),
  supportsIdempotencyKeys: true,
};

function readSuccess({ status: httpStatus, text }: ProviderResponse): SendOutcome {
  const { id } = (parseJson(text) ?? {}) as { id?: unknown };
  if (isMessageId(id)) return { outcome: 'accepted', httpStatus, providerMessageId: id };
  const detail = `Resend responded with ${httpStatus} without the id of an email`;
  return { outcome: 'unknown', httpStatus, class: 'provider_error', code: 'malformed_response', detail };
}

/** The name of the error decides; a response without a known name is read by its status. */
function readFailure({ status: httpStatus, text, retryAfterMs }: ProviderResponse): FailedOutcome {
  const body = (parseJson(text) ?? {}) as { name?: unknown; message?: unknown };
  const name = readErrorName(body.name);
  const isText = typeof body.message === 'string' && body.message !== '';
  const detail = isText ? toStorable(String(body.message)) : `Resend responded with ${httpStatus}`;
  const known = name === null ? null : meaningOfName(name, httpStatus, detail);
  const code = name !== null && known !== null ? name : `http_${httpStatus}`;
  return failedAs(known ?? meaningOfStatus(httpStatus), retryAfterMs, { httpStatus, code, detail });
}
