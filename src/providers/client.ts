import got, { type Got, HTTPError, type RequestError, type Response } from 'got';
import type { ProviderConfig } from '../config.ts';
import { isMessageId, outcomeOfAnswer, outcomeOfFailure } from './outcome.ts';
import type { CallOptions, LookUp, SendOutcome } from './provider.ts';

/** The longest `Retry-After` that is waited for inside a call; a longer one is left to the schedule. */
const MAX_RETRY_AFTER_MS = 3_000;
const RETRIES = 2;
/** Not 429: the whole provider is asked for less, so no call goes on asking by itself. */
const RETRY_STATUS = [408, 500, 502, 503, 504];
const RETRY_ERRORS = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
];
/** How long one call may take at the most, its short retries and a look-up before it included, in milliseconds. */
export function longestCallMs(timeoutMs: number, looksUp: boolean): number {
  return (looksUp ? 2 : 1) * ((RETRIES + 1) * timeoutMs + RETRIES * MAX_RETRY_AFTER_MS);
}

export interface ProviderClient {
  post(path: string, deliveryKey: string, options: CallOptions, body: object): Promise<SendOutcome>;
  find(path: string, deliveryKey: string, options: CallOptions): Promise<LookUp>;
}

/** Calls a provider's HTTP API; turns whatever happens on the wire into an outcome. */
export function createProviderClient(config: ProviderConfig, timeoutMs: number): ProviderClient {
  const third = Math.ceil(timeoutMs / 3);
  const client = got.extend({
    prefixUrl: config.url,
    headers: { authorization: `Bearer ${config.key}`, 'user-agent': 'messaging-service' },
    // A host that does not answer is given up before a request could have left.
    timeout: { lookup: third, connect: third, secureConnect: third, request: timeoutMs },
    followRedirect: false,
    hooks: { afterResponse: [onlySuccess] },
    retry: {
      limit: RETRIES,
      methods: ['POST', 'GET'],
      statusCodes: RETRY_STATUS,
      errorCodes: RETRY_ERRORS,
      maxRetryAfter: MAX_RETRY_AFTER_MS,
      backoffLimit: MAX_RETRY_AFTER_MS,
    },
  });
  const single = client.extend({ retry: { limit: 0 } });
  const by = ({ once, ...options }: CallOptions) => ({ client: once ? single : client, ...options });
  return {
    post: (path, deliveryKey, options, body) =>
      post(by(options), config.honoursKeys, path, deliveryKey, body),
    find: (path, deliveryKey, options) => find(by(options), config.canLookUp, path, deliveryKey),
  };
}

/** For got a redirect that is not followed is a success; for a message only 2xx is. */
function onlySuccess(response: Response): Response {
  if (response.statusCode < 200 || response.statusCode > 299) throw new HTTPError(response);
  return response;
}

interface Caller extends Omit<CallOptions, 'once'> {
  client: Got;
}

async function post(
  { client, repeated, signal }: Caller,
  honoursKeys: boolean,
  path: string,
  deliveryKey: string,
  body: object,
): Promise<SendOutcome> {
  let mayHaveBeenTaken = false;
  try {
    const response = await client.post(path, {
      json: body,
      signal,
      headers: { 'idempotency-key': deliveryKey },
      retry: {
        // Without keys a second request could be a second message.
        calculateDelay: ({ error, computedValue }) => {
          const unknown = outcomeOfFailure(error).outcome === 'unknown';
          mayHaveBeenTaken ||= unknown;
          return unknown && !honoursKeys ? 0 : computedValue;
        },
      },
    });
    return outcomeOfAnswer(response.statusCode, response.body);
  } catch (error) {
    const outcome = outcomeOfFailure(error as RequestError);
    const tellsOfThisTryOnly = outcome.outcome === 'unavailable' || outcome.outcome === 'throttled';
    // To a repeat it says that a request with the same key is at work (draft-ietf-httpapi-idempotency-key-header).
    const atWork = outcome.httpStatus === 409 && (mayHaveBeenTaken || repeated);
    return atWork || (mayHaveBeenTaken && tellsOfThisTryOnly) ? { ...outcome, outcome: 'unknown' } : outcome;
  }
}

async function find(
  { client, signal }: Caller,
  canLookUp: boolean,
  path: string,
  deliveryKey: string,
): Promise<LookUp> {
  if (!canLookUp) return 'cannot tell';
  try {
    const { data } = await client
      .get(path, { searchParams: { idempotency_key: deliveryKey }, signal })
      .json<{ data: unknown }>();
    if (!Array.isArray(data)) return 'cannot tell';
    if (data.length === 0) return { found: false };
    const { id } = data[0] as { id: unknown };
    return isMessageId(id) ? { found: true, providerMessageId: id } : 'cannot tell';
  } catch {
    return 'cannot tell';
  }
}
