import { HTTPError, type RequestError } from 'got';
import type { SendOutcome } from './provider.ts';

type Failed = Exclude<SendOutcome, { outcome: 'accepted' }>;

/** The longest `Retry-After` that is believed. */
const RETRY_AFTER_CAP_MS = 60 * 60 * 1_000;
/** Not the message's fault: credentials and addresses of the provider are for the operator to mend, the others pass. */
const NOT_ITS_FAULT = new Set([401, 403, 404, 408, 425]);
const DETAIL_LENGTH = 300;
/** A code is a label of the metrics too: a word, not a sentence. */
const CODE = /^[\w.:-]{1,64}$/;
/** As in receipts (openapi.yaml), which a message is found by: all that PostgreSQL can hold, up to 255 characters. */
const MESSAGE_ID = /^[^\0\p{Surrogate}]{1,255}$/u;

/** What a 2xx tells: that the message was taken, and by which id it goes. */
export function outcomeOfAnswer(httpStatus: number, body: string): SendOutcome {
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

export function isMessageId(id: unknown): id is string {
  return typeof id === 'string' && MESSAGE_ID.test(id);
}

/** What a failed request tells about the message. */
export function outcomeOfFailure(error: RequestError): Failed {
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

function outcomeOfStatus({ response }: HTTPError): Failed {
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
