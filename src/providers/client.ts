import got, { type Got, HTTPError, type RequestError, type Response } from 'got';
import type { ProviderConfig } from '../config.ts';
import type { CallOptions, LookUp, SendOutcome } from './provider.ts';

/** The longest `Retry-After` that is waited for inside a call; a longer one is left to the schedule. */
const MAX_RETRY_AFTER_MS = 3_000;
/** The longest that is believed. */
const RETRY_AFTER_CAP_MS = 60 * 60 * 1_000;
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
/** Not the message's fault: credentials and addresses of the provider are for the operator to mend, the others pass. */
const NOT_ITS_FAULT = new Set([401, 403, 404, 408, 425]);
const DETAIL_LENGTH = 300;
/** A code is a label of the metrics too: a word, not a sentence. */
const CODE = /^[\w.:-]{1,64}$/;
/** As in receipts (openapi.yaml), which a message is found by: all that PostgreSQL can hold, up to 255 characters. */
const MESSAGE_ID = /^[^\0\p{Surrogate}]{1,255}$/u;

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
          const unknown = outcomeOf(error).outcome === 'unknown';
          mayHaveBeenTaken ||= unknown;
          return unknown && !honoursKeys ? 0 : computedValue;
        },
      },
    });
    return accepted(response.statusCode, response.body);
  } catch (error) {
    const outcome = outcomeOf(error as RequestError);
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

function accepted(httpStatus: number, body: string): SendOutcome {
  try {
    const { id } = JSON.parse(body) as { id?: unknown };
    if (isMessageId(id)) return { outcome: 'accepted', httpStatus, providerMessageId: id };
  } catch {
    // Said below.
  }
  return {
    outcome: 'unknown',
    httpStatus,
    code: 'malformed_response',
    detail: `The provider answered ${httpStatus} without an id`,
  };
}

function isMessageId(id: unknown): id is string {
  return typeof id === 'string' && MESSAGE_ID.test(id);
}

/** What a failed request tells about the message. */
function outcomeOf(error: RequestError): Exclude<SendOutcome, { outcome: 'accepted' }> {
  if (error instanceof HTTPError) return outcomeOfStatus(error);
  const failure = { httpStatus: null, code: error.code.toLowerCase(), detail: storable(error.message) };
  return neverLeft(error)
    ? { ...failure, outcome: 'unavailable', retryAfterMs: null }
    : { ...failure, outcome: 'unknown' };
}

/**
 * Whether a request surely never left: nothing is sent before there is a connection, by https before it is known to whom.
 * Where got does not tell, and where the connection was kept from before, it may have left.
 */
function neverLeft({ timings, request, options }: RequestError): boolean {
  if (timings === undefined || request?.reusedSocket) return false;
  const secure = String(options.url).startsWith('https:');
  return (secure ? timings.secureConnect : timings.connect) === undefined;
}

function outcomeOfStatus({ response }: HTTPError): Exclude<SendOutcome, { outcome: 'accepted' }> {
  const httpStatus = response.statusCode;
  const said = errorIn(response.body);
  const failure = {
    httpStatus,
    code: said.code ?? `http_${httpStatus}`,
    detail: said.message ?? `The provider answered ${httpStatus}`,
  };
  const retryAfterMs = retryAfter(response.headers['retry-after'], Date.now());
  if (httpStatus === 429) return { ...failure, outcome: 'throttled', retryAfterMs };
  // A gateway says that it had no answer, not that there was no message.
  if (httpStatus === 502 || httpStatus === 504) return { ...failure, outcome: 'unknown' };
  if (httpStatus >= 400 && httpStatus < 500 && !NOT_ITS_FAULT.has(httpStatus))
    return { ...failure, outcome: 'rejected' };
  return { ...failure, outcome: 'unavailable', retryAfterMs };
}

/**
 * `Retry-After` (RFC 9110: seconds or a date) in milliseconds from `now`; null where it says nothing. An hour at the
 * most: everyone waits for as long, so that one wrong number would stop the provider for years. It is asked again then.
 */
function retryAfter(header: string | undefined, now: number): number | null {
  if (header === undefined) return null;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? null : Math.min(Math.max(0, ms), RETRY_AFTER_CAP_MS);
}

function errorIn(body: unknown): { code?: string; message?: string } {
  try {
    const { error } = JSON.parse(String(body)) as { error?: { code?: unknown; message?: unknown } };
    return {
      ...(typeof error?.code === 'string' && CODE.test(error.code) && { code: error.code }),
      ...(typeof error?.message === 'string' && { message: storable(error.message) }),
    };
  } catch {
    return {};
  }
}

/** The beginning of a text, as PostgreSQL can hold it: without NUL characters and halves of surrogate pairs. */
function storable(text: string): string {
  return text.slice(0, DETAIL_LENGTH).toWellFormed().replaceAll('\0', '');
}
