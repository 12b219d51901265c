import type { ErrorClass } from '../../openapi/error-class.ts';
import type { Dialect } from '../http/client.ts';
import { isMessageId, toStorable } from '../http/failure.ts';
import { type ProviderResponse, parseJson } from '../http/response.ts';
import type { FailedOutcome, RecipientId, SendOutcome } from '../provider.ts';
import { meaningOfStatus } from './status-outcomes.ts';

/** A code is also a label of metrics, so it must be short. */
const CODE = /^[\w.:-]{1,64}$/;
/** More recipients than a message can have. */
const MAX_RECIPIENTS = 300;

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
  const ids = readIds(parseJson(text));
  if (ids !== null) return { outcome: 'accepted', httpStatus, ...ids };
  return {
    outcome: 'unknown',
    httpStatus,
    class: 'provider_error',
    code: 'malformed_response',
    detail: `The provider responded with ${httpStatus} without an id`,
  };
}

/** The id of a message, and the ids that the provider gave its recipients; null without an id of the message. */
export function readIds(message: unknown): { providerMessageId: string; recipients?: RecipientId[] } | null {
  const { id, recipients } = (message ?? {}) as { id?: unknown; recipients?: unknown };
  if (!isMessageId(id)) return null;
  const named = (Array.isArray(recipients) ? recipients.slice(0, MAX_RECIPIENTS) : []).flatMap(
    (recipient) => {
      const { address, id: own } = (recipient ?? {}) as { address?: unknown; id?: unknown };
      return typeof address === 'string' && isMessageId(own) && own !== id
        ? { address, providerMessageId: own }
        : [];
    },
  );
  return { providerMessageId: id, ...(named.length > 0 && { recipients: named }) };
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
