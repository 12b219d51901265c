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

/** The longest `Retry-After` that is waited for inside a call; a longer one is left to the schedule. */
const MAX_RETRY_AFTER_MS = 3_000;
const RETRIES = 2;
const FIRST_DELAY_MS = 1_000;
/** Calls that failed together do not repeat at the same millisecond. */
const JITTER_MS = 100;
/** Not a timeout: the call has taken long enough, and the message waits for its next attempt without a call's place. */
const RETRY_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
]);

/** How long one call may take at the most, its short retries and a look-up before it included, in milliseconds. */
export function longestCallMs(timeoutMs: number, looksUp: boolean): number {
  return (looksUp ? 2 : 1) * ((RETRIES + 1) * timeoutMs + RETRIES * MAX_RETRY_AFTER_MS);
}

export interface ProviderClient {
  post(path: string, deliveryKey: string, options: CallOptions, body: object): Promise<SendOutcome>;
  find(path: string, deliveryKey: string, options: CallOptions): Promise<LookUp>;
}

/** Calls a provider's HTTP API; turns every response and error into an outcome. */
export function createProviderClient(config: ProviderConfig, timeoutMs: number): ProviderClient {
  const third = Math.ceil(timeoutMs / 3);
  const client = got.extend({
    prefixUrl: config.url,
    // got would decompress without a limit: `decodeBody` has one.
    headers: {
      authorization: `Bearer ${config.key}`,
      'user-agent': 'messaging-service',
      'accept-encoding': 'identity',
    },
    decompress: false,
    responseType: 'buffer',
    // A host that does not answer is given up before a request could have left.
    timeout: { lookup: third, connect: third, secureConnect: third, request: timeoutMs },
    followRedirect: false,
    hooks: { afterResponse: [onlySuccess] },
    retry: {
      limit: RETRIES,
      // The default rules would overrule this function; they know other statuses and another `Retry-After`.
      enforceRetryRules: false,
      calculateDelay: ({ error, attemptCount }) => delayOfRepeat(error, attemptCount),
    },
  });
  const single = client.extend({ retry: { limit: 0, calculateDelay: () => 0 } });
  const by = ({ once, ...options }: CallOptions) => ({ client: once ? single : client, once, ...options });
  return {
    post: (path, deliveryKey, options, body) =>
      post(by(options), config.supportsIdempotencyKeys, path, deliveryKey, body),
    find: (path, deliveryKey, options) => find(by(options), config.canLookUp, path, deliveryKey),
  };
}

/** For got a redirect that is not followed is a success; for a message only 2xx is. */
function onlySuccess(response: Response): Response {
  if (!isSuccess(response)) throw new HTTPError(response);
  return response;
}

/**
 * Milliseconds until a call repeats its request, 0 where it does not: after a status that may pass (the table has
 * them) or a broken connection. Not after 429: the whole account is throttled, so no call goes on by itself.
 */
function delayOfRepeat({ code, response }: RequestError, attemptCount: number): number {
  if (attemptCount > RETRIES) return 0;
  const failed = response !== undefined && !isSuccess(response);
  if (!(failed ? meaningOfStatus(response.statusCode).transient : RETRY_ERRORS.has(code))) return 0;
  const asked = failed ? retryAfterMs(response, Date.now()) : null;
  if (asked === null) return FIRST_DELAY_MS * 2 ** (attemptCount - 1) + Math.random() * JITTER_MS;
  // 0 would end the call.
  return asked > MAX_RETRY_AFTER_MS ? 0 : Math.max(1, asked);
}

/** Makes a request whose response is read up to `MAX_BODY_BYTES`; the connection of a longer one is closed. */
async function bounded(
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
  let mayHaveBeenTaken = false;
  const answer = await bounded(caller, path, {
    method: 'POST',
    json: body,
    headers: { 'idempotency-key': deliveryKey },
    ...(!caller.once && {
      retry: {
        // Without keys a second request could be a second message.
        calculateDelay: ({ error, attemptCount }) => {
          const unknown = outcomeOfFailure(error).outcome === 'unknown';
          mayHaveBeenTaken ||= unknown;
          return unknown && !supportsIdempotencyKeys ? 0 : delayOfRepeat(error, attemptCount);
        },
      },
    }),
  });
  if ('response' in answer) return outcomeOfSuccess(answer.response);
  const { error, isTooLong } = answer;
  if (isTooLong && error.response && isSuccess(error.response)) return tooLong(error.response.statusCode);
  const outcome = outcomeOfFailure(error);
  const tellsOfThisTryOnly = outcome.outcome === 'unavailable' || outcome.outcome === 'throttled';
  // To a repeat it says that a request with the same key is at work (draft-ietf-httpapi-idempotency-key-header).
  const atWork = outcome.httpStatus === 409 && (mayHaveBeenTaken || caller.repeated);
  return atWork || (mayHaveBeenTaken && tellsOfThisTryOnly) ? { ...outcome, outcome: 'unknown' } : outcome;
}

async function find(caller: Caller, canLookUp: boolean, path: string, deliveryKey: string): Promise<LookUp> {
  if (!canLookUp) return 'cannot tell';
  const answer = await bounded(caller, path, { searchParams: { idempotency_key: deliveryKey } });
  if ('error' in answer) return 'cannot tell';
  const { rawBody, headers } = answer.response;
  const body = decodeBody(rawBody, headers['content-encoding']);
  if (body === null || body === 'too_long') return 'cannot tell';
  const { data } = (parseJson(body.text) ?? {}) as { data?: unknown };
  if (!Array.isArray(data)) return 'cannot tell';
  if (data.length === 0) return { found: false };
  const id = (data[0] as { id?: unknown } | null)?.id;
  return isMessageId(id) ? { found: true, providerMessageId: id } : 'cannot tell';
}
