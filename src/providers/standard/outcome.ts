import type { RequestError, Response } from 'got';
import type { SendOutcome } from '../provider.ts';
import { decodeBody, MAX_BODY_BYTES } from './response-body.ts';
import { parseRetryAfter } from './retry-after.ts';
import { meaningOfStatus } from './status-outcomes.ts';

type Failed = Exclude<SendOutcome, { outcome: 'accepted' }>;

/** The longest `Retry-After` that is believed. */
const RETRY_AFTER_CAP_MS = 60 * 60 * 1_000;
const DETAIL_LENGTH = 300;
/** A code is a label of the metrics too: a word, not a sentence. */
const CODE = /^[\w.:-]{1,64}$/;
/** As in receipts (openapi.yaml), which a message is found by: all that PostgreSQL can hold, up to 255 characters. */
const MESSAGE_ID = /^[^\0\p{Surrogate}]{1,255}$/u;

/** The outcome of a whole 2xx response: accepted where it has an id. */
export function outcomeOfSuccess({ statusCode: httpStatus, headers, rawBody }: Response): SendOutcome {
  const body = decodeBody(rawBody, headers['content-encoding']);
  if (body === 'too_long') return tooLong(httpStatus);
  const id = (parseJson(body?.text) as { id?: unknown } | null)?.id;
  if (isMessageId(id)) return { outcome: 'accepted', httpStatus, providerMessageId: id };
  return {
    outcome: 'unknown',
    httpStatus,
    code: 'malformed_response',
    detail: `The provider answered ${httpStatus} without an id`,
  };
}

export function tooLong(httpStatus: number): Failed {
  const detail = `The provider answered ${httpStatus} with more than ${MAX_BODY_BYTES / 1_024} KiB`;
  return { outcome: 'unknown', httpStatus, code: 'response_too_long', detail };
}

export function isMessageId(id: unknown): id is string {
  return typeof id === 'string' && MESSAGE_ID.test(id);
}

/** The outcome of a request that failed: by its status as soon as that came, also where the body did not. */
export function outcomeOfFailure(error: RequestError): Failed {
  const { response } = error;
  if (response !== undefined && !isSuccess(response)) return outcomeOfStatus(response);
  const failure = {
    httpStatus: response?.statusCode ?? null,
    code: error.code.toLowerCase(),
    detail: storable(error.message),
  };
  return neverLeft(error)
    ? { ...failure, outcome: 'unavailable', retryAfterMs: null }
    : { ...failure, outcome: 'unknown' };
}

export function isSuccess({ statusCode }: Pick<Response, 'statusCode'>): boolean {
  return statusCode >= 200 && statusCode <= 299;
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

function outcomeOfStatus(response: Response): Failed {
  const { statusCode: httpStatus, rawBody, headers } = response;
  const body = rawBody && decodeBody(rawBody, headers['content-encoding']);
  const said = errorIn(body === 'too_long' ? undefined : body?.text);
  const failure = {
    httpStatus,
    code: said.code ?? `http_${httpStatus}`,
    detail: said.message ?? `The provider answered ${httpStatus}`,
  };
  const { outcome } = meaningOfStatus(httpStatus);
  return outcome === 'throttled' || outcome === 'unavailable'
    ? { ...failure, outcome, retryAfterMs: retryAfterMs(response, Date.now()) }
    : { ...failure, outcome };
}

/**
 * What `Retry-After` asks for, in milliseconds; null where the header is absent, repeated or invalid. At most an hour:
 * all workers wait for as long, so one wrong number would stop the provider for years.
 */
export function retryAfterMs({ headersDistinct }: Response, now: number): number | null {
  const [value, ...others] = headersDistinct['retry-after'] ?? [];
  const ms = value === undefined || others.length > 0 ? null : parseRetryAfter(value, now);
  return ms === null ? null : Math.min(ms, RETRY_AFTER_CAP_MS);
}

function errorIn(body: string | undefined): { code?: string; message?: string } {
  const error = (parseJson(body) as { error?: { code?: unknown; message?: unknown } } | null)?.error;
  return {
    ...(typeof error?.code === 'string' && CODE.test(error.code) && { code: error.code }),
    ...(typeof error?.message === 'string' && { message: storable(error.message) }),
  };
}

/** Null where the text is no JSON. */
export function parseJson(text = ''): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The beginning of a text, as PostgreSQL can hold it: without NUL characters and halves of surrogate pairs. */
function storable(text: string): string {
  return text.slice(0, DETAIL_LENGTH).toWellFormed().replaceAll('\0', '');
}
