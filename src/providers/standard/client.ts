import got, { type Got, HTTPError, type OptionsInit, type RequestError, type Response } from 'got';
import type { ProviderConfig } from '../../config/config.ts';
import type { CallOptions, LookUp, SendOutcome } from '../provider.ts';
import {
  isMessageId,
  isSuccess,
  outcomeOfFailure,
  outcomeOfSuccess,
  parseJson,
  retryAfterMs,
  tooLong,
} from './outcome.ts';
import { decodeBody, MAX_BODY_BYTES } from './response-body.ts';
import { meaningOfStatus } from './status-outcomes.ts';

/** Max `Retry-After` that a call waits for; after a longer one, the message waits for its next attempt. */
const MAX_RETRY_AFTER_MS = 3_000;
const RETRIES = 2;
const FIRST_DELAY_MS = 1_000;
/** Spreads the repeats of calls that failed at the same time. */
const JITTER_MS = 100;
/** Without timeouts: after a timeout, the message waits for its next attempt and does not occupy a call slot. */
const RETRY_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
]);

/** Max duration of one call in milliseconds, its short retries and a preceding look-up included. */
export function longestCallMs(timeoutMs: number, looksUp: boolean): number {
  return (looksUp ? 2 : 1) * ((RETRIES + 1) * timeoutMs + RETRIES * MAX_RETRY_AFTER_MS);
}

export interface ProviderClient {
  post(path: string, deliveryKey: string, options: CallOptions, body: object): Promise<SendOutcome>;
  find(path: string, deliveryKey: string, options: CallOptions): Promise<LookUp>;
}

/** Calls the standard API of a provider. Every response and every error becomes an outcome. */
export function createProviderClient(config: ProviderConfig, timeoutMs: number): ProviderClient {
  const third = Math.ceil(timeoutMs / 3);
  const client = got.extend({
    prefixUrl: config.url,
    // `decodeBody` limits the decompressed size; got does not.
    headers: {
      authorization: `Bearer ${config.key}`,
      'user-agent': 'messaging-service',
      'accept-encoding': 'identity',
    },
    decompress: false,
    responseType: 'buffer',
    // A connection that takes longer fails before a request is sent.
    timeout: { lookup: third, connect: third, secureConnect: third, request: timeoutMs },
    followRedirect: false,
    hooks: { afterResponse: [onlySuccess] },
    retry: {
      limit: RETRIES,
      // got's default rules would take precedence over this function, with other statuses and without the `Retry-After` limit.
      enforceRetryRules: false,
      calculateDelay: ({ error, attemptCount }) => delayOfRepeat(error, attemptCount),
    },
  });
  const single = client.extend({ retry: { limit: 0, calculateDelay: () => 0 } });
  const callerOf = ({ once, ...options }: CallOptions) => ({
    client: once ? single : client,
    once,
    ...options,
  });
  return {
    post: (path, deliveryKey, options, body) =>
      post(callerOf(options), config.supportsIdempotencyKeys, path, deliveryKey, body),
    find: (path, deliveryKey, options) => find(callerOf(options), config.canLookUp, path, deliveryKey),
  };
}

/** got treats a redirect that is not followed as a success; here only 2xx is a success. */
function onlySuccess(response: Response): Response {
  if (!isSuccess(response)) throw new HTTPError(response);
  return response;
}

/**
 * Milliseconds until a call repeats its request, or 0 for no repeat. A call repeats its request after a transient status
 * (`status-outcomes.ts`) or a connection error. It does not after 429, because all calls of the account must wait.
 */
function delayOfRepeat({ code, response }: RequestError, attemptCount: number): number {
  if (attemptCount > RETRIES) return 0;
  const failed = response !== undefined && !isSuccess(response);
  if (!(failed ? meaningOfStatus(response.statusCode).transient : RETRY_ERRORS.has(code))) return 0;
  const requested = failed ? retryAfterMs(response, Date.now()) : null;
  if (requested === null) return FIRST_DELAY_MS * 2 ** (attemptCount - 1) + Math.random() * JITTER_MS;
  // got takes 0 as no repeat.
  return requested > MAX_RETRY_AFTER_MS ? 0 : Math.max(1, requested);
}

/** Makes a request and reads at most `MAX_BODY_BYTES` of the response; closes the connection of a longer response. */
async function requestBounded(
  { client, signal }: Caller,
  path: string,
  options: OptionsInit & { isStream?: false },
): Promise<{ response: Response<Uint8Array> } | { error: RequestError; isTooLong: boolean }> {
  const limit = new AbortController();
  const request = client(path, { ...options, signal: AbortSignal.any([signal, limit.signal]) });
  request.on('downloadProgress', ({ transferred }) => {
    if (transferred > MAX_BODY_BYTES) limit.abort();
  });
  try {
    return { response: (await request) as unknown as Response<Uint8Array> };
  } catch (error) {
    return { error: error as RequestError, isTooLong: limit.signal.aborted };
  }
}

interface Caller extends CallOptions {
  client: Got;
}

async function post(
  caller: Caller,
  supportsIdempotencyKeys: boolean,
  path: string,
  deliveryKey: string,
  body: object,
): Promise<SendOutcome> {
  let mayHaveBeenAccepted = false;
  const result = await requestBounded(caller, path, {
    method: 'POST',
    json: body,
    headers: { 'idempotency-key': deliveryKey },
    ...(!caller.once && {
      retry: {
        // Without idempotency keys a second request could send a second message.
        calculateDelay: ({ error, attemptCount }) => {
          const unknown = outcomeOfFailure(error).outcome === 'unknown';
          mayHaveBeenAccepted ||= unknown;
          return unknown && !supportsIdempotencyKeys ? 0 : delayOfRepeat(error, attemptCount);
        },
      },
    }),
  });
  if ('response' in result) return outcomeOfSuccess(result.response);
  const { error, isTooLong } = result;
  if (isTooLong && error.response && isSuccess(error.response)) return tooLong(error.response.statusCode);
  const outcome = outcomeOfFailure(error);
  const concernsLastRequestOnly = outcome.outcome === 'unavailable' || outcome.outcome === 'throttled';
  // 409 to a repeat: a request with the same key is still being processed (draft-ietf-httpapi-idempotency-key-header).
  const isInProgress = outcome.httpStatus === 409 && (mayHaveBeenAccepted || caller.repeated);
  return isInProgress || (mayHaveBeenAccepted && concernsLastRequestOnly)
    ? { ...outcome, outcome: 'unknown' }
    : outcome;
}

async function find(caller: Caller, canLookUp: boolean, path: string, deliveryKey: string): Promise<LookUp> {
  if (!canLookUp) return 'cannot tell';
  const result = await requestBounded(caller, path, { searchParams: { idempotency_key: deliveryKey } });
  if ('error' in result) return 'cannot tell';
  const { rawBody, headers } = result.response;
  const body = decodeBody(rawBody, headers['content-encoding']);
  if (body === null || body === 'too_long') return 'cannot tell';
  const { data } = (parseJson(body.text) ?? {}) as { data?: unknown };
  if (!Array.isArray(data)) return 'cannot tell';
  if (data.length === 0) return { found: false };
  const id = (data[0] as { id?: unknown } | null)?.id;
  return isMessageId(id) ? { found: true, providerMessageId: id } : 'cannot tell';
}
