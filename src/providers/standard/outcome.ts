import type { ErrorClass } from '../../openapi/error-class.ts';
import type { Dialect } from '../http/client.ts';
import { isMessageId, toStorable } from '../http/failure.ts';
import { type ProviderResponse, parseJson } from '../http/response.ts';
import type { FailedOutcome, SendOutcome } from '../provider.ts';
import { meaningOfStatus } from './status-outcomes.ts';

/** A code is also a label of metrics, so it must be short. */
const CODE = /^[\w.:-]{1,64}$/;

/** How responses of the standard API become outcomes. */
export function standardDialect(supportsIdempotencyKeys: boolean): Dialect {
  return {
    readSuccess,
    readFailure,
    isTransient: ({ status }) => meaningOfStatus(status).isTransient,
    supportsIdempotencyKeys,
  };
}

/** `accepted` if the body has an id. */
function readSuccess({ status: httpStatus, text }: ProviderResponse): SendOutcome {
  const id = (parseJson(text) as { id?: unknown } | null)?.id;
  if (isMessageId(id)) return { outcome: 'accepted', httpStatus, providerMessageId: id };
  return {
    outcome: 'unknown',
    httpStatus,
    class: 'provider_error',
    code: 'malformed_response',
    detail: `The provider responded with ${httpStatus} without an id`,
  };
}

function readFailure({ status: httpStatus, text, retryAfterMs }: ProviderResponse): FailedOutcome {
  const error = (parseJson(text) as { error?: { code?: unknown; message?: unknown } } | null)?.error;
  const { code, message } = error ?? {};
  const { outcome, isTransient } = meaningOfStatus(httpStatus);
  const failure = {
    httpStatus,
    class: classOf(outcome, isTransient),
    code: typeof code === 'string' && CODE.test(code) ? code : `http_${httpStatus}`,
    detail: typeof message === 'string' ? toStorable(message) : `The provider responded with ${httpStatus}`,
  };
  if (outcome === 'throttled') return { ...failure, outcome, retryAfterMs };
  if (outcome === 'unavailable') return { ...failure, outcome, retryAfterMs, isOperatorError: !isTransient };
  return { ...failure, outcome };
}

/** The API has no fixed codes, so that the class is that of the status. */
function classOf(outcome: FailedOutcome['outcome'], isTransient: boolean): ErrorClass {
  if (outcome === 'throttled') return 'rate_limited';
  return outcome === 'unavailable' && !isTransient ? 'account_problem' : 'provider_error';
}
