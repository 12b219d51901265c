import type { RequestError, Response } from 'got';
import type { SendOutcome } from '../provider.ts';
import { decodeBody, MAX_BODY_BYTES } from './response-body.ts';
import { parseRetryAfter } from './retry-after.ts';
import { meaningOfStatus } from './status-outcomes.ts';

type Failed = Exclude<SendOutcome, { outcome: 'accepted' }>;

/** Max `Retry-After`: all workers wait, so one wrong number would stop the account for years. */
const RETRY_AFTER_CAP_MS = 60 * 60 * 1_000;
const DETAIL_LENGTH = 300;
/** A code is also a label of metrics, so it must be short. */
const CODE = /^[\w.:-]{1,64}$/;
/** The same pattern as in receipts (openapi.yaml), which find their message by this id. PostgreSQL can store every match. */
const MESSAGE_ID = /^[^\0\p{Surrogate}]{1,255}$/u;

/** The outcome of a complete 2xx response: `accepted` if the body has an id. */
export function outcomeOfSuccess({ statusCode: httpStatus, headers, rawBody }: Response): SendOutcome {
  const body = decodeBody(rawBody, headers['content-encoding']);
  if (body === 'too_long') return tooLong(httpStatus);
  const id = (parseJson(body?.text) as { id?: unknown } | null)?.id;
  if (isMessageId(id)) return { outcome: 'accepted', httpStatus, providerMessageId: id };
  return {
    outcome: 'unknown',
    httpStatus,
    code: 'malformed_response',
    detail: `The provider responded with ${httpStatus} without an id`,
  };
}

export function tooLong(httpStatus: number): Failed {
  const detail = `The provider responded with ${httpStatus} and more than ${MAX_BODY_BYTES / 1_024} KiB`;
  return { outcome: 'unknown', httpStatus, code: 'response_too_long', detail };
}

export function isMessageId(id: unknown): id is string {
  return typeof id === 'string' && MESSAGE_ID.test(id);
}

/** The outcome of a failed request. It depends on the status if one was received, even if the body is incomplete. */
export function outcomeOfFailure(error: RequestError): Failed {
  const { response } = error;
  if (response !== undefined && !isSuccess(response)) return outcomeOfStatus(response);
  const failure = {
    httpStatus: response?.statusCode ?? null,
    code: error.code.toLowerCase(),
    detail: toStorable(error.message),
  };
  return wasNotSent(error)
    ? { ...failure, outcome: 'unavailable', retryAfterMs: null }
    : { ...failure, outcome: 'unknown' };
}

export function isSuccess({ statusCode }: Pick<Response, 'statusCode'>): boolean {
  return statusCode >= 200 && statusCode <= 299;
}

/**
 * Whether a request was certainly not sent: there was no connection, or with https no completed TLS handshake. Without got's
 * timings, and on a reused connection, the request may have been sent.
 */
function wasNotSent({ timings, request, options }: RequestError): boolean {
  if (timings === undefined || request?.reusedSocket) return false;
  const secure = String(options.url).startsWith('https:');
  return (secure ? timings.secureConnect : timings.connect) === undefined;
}

function outcomeOfStatus(response: Response): Failed {
  const { statusCode: httpStatus, rawBody, headers } = response;
  const body = rawBody && decodeBody(rawBody, headers['content-encoding']);
  const error = errorIn(body === 'too_long' ? undefined : body?.text);
  const failure = {
    httpStatus,
    code: error.code ?? `http_${httpStatus}`,
    detail: error.message ?? `The provider responded with ${httpStatus}`,
  };
  const { outcome } = meaningOfStatus(httpStatus);
  return outcome === 'throttled' || outcome === 'unavailable'
    ? { ...failure, outcome, retryAfterMs: retryAfterMs(response, Date.now()) }
    : { ...failure, outcome };
}

/**
 * The value of `Retry-After` in milliseconds, at most an hour; null if the header is absent, repeated or invalid.
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
    ...(typeof error?.message === 'string' && { message: toStorable(error.message) }),
  };
}

/** Null if the text is not JSON. */
export function parseJson(text = ''): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The first `DETAIL_LENGTH` characters of a text that PostgreSQL can store: no NUL characters, no lone surrogates. */
function toStorable(text: string): string {
  return text.slice(0, DETAIL_LENGTH).toWellFormed().replaceAll('\0', '');
}
