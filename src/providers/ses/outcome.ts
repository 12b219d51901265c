import type { Dialect } from '../http/client.ts';
import { failedAs, meaningOfStatus } from '../http/code-meaning.ts';
import { isMessageId, toStorable } from '../http/failure.ts';
import { type ProviderResponse, parseJson } from '../http/response.ts';
import type { FailedOutcome, SendOutcome } from '../provider.ts';
import { meaningOfType, readErrorType } from './codes.ts';

/** How responses of SES become outcomes. Every request that SES receives may have sent an email, because SES has no idempotency keys. */
export const sesDialect: Dialect = {
  readSuccess,
  readFailure,
  isTransient: ({ status }) => status === 521 || status === 523,
  supportsIdempotencyKeys: false,
};

/** Of a label of metrics: other types of errors have the code of their status. */
function codeOf(type: string | null, isKnown: boolean, httpStatus: number): string {
  return type !== null && isKnown ? type : `http_${httpStatus}`;
}

function readSuccess({ status: httpStatus, text }: ProviderResponse): SendOutcome {
  const { MessageId } = (parseJson(text) ?? {}) as { MessageId?: unknown };
  if (isMessageId(MessageId)) return { outcome: 'accepted', httpStatus, providerMessageId: MessageId };
  const detail = `SES responded with ${httpStatus} without the id of a message`;
  return { outcome: 'unknown', httpStatus, class: 'provider_error', code: 'malformed_response', detail };
}

/** The type of the error decides; a response without a known type is read by its status. */
function readFailure({ status: httpStatus, headers, text, retryAfterMs }: ProviderResponse): FailedOutcome {
  const body = (parseJson(text) ?? {}) as { __type?: unknown; message?: unknown; Message?: unknown };
  const type = readErrorType(headers['x-amzn-errortype']) ?? readErrorType(body.__type);
  const message = [body.message, body.Message].find((each) => typeof each === 'string' && each !== '');
  const detail = typeof message === 'string' ? toStorable(message) : `SES responded with ${httpStatus}`;
  const known = type === null ? null : meaningOfType(type, detail);
  const code = codeOf(type, known !== null, httpStatus);
  return failedAs(known ?? meaningOfStatus(httpStatus), retryAfterMs, { httpStatus, code, detail });
}
