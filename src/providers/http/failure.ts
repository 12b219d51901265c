import type { RequestError } from 'got';
import type { FailedOutcome, SendOutcome } from '../provider.ts';
import { MAX_BODY_BYTES } from './response-body.ts';

/**
 * The errors after which a call repeats its request, without timeouts: after a timeout, the message waits for its next attempt
 * and does not occupy a call slot.
 */
export const REPEATED_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
]);

const DETAIL_LENGTH = 300;
/** Error codes of OpenSSL and Node for certificates and TLS. */
const TLS =
  /^(?:err_tls|err_ssl|eproto|cert_|crl_|depth_zero|self_signed|unable_to_(?:get|verify|decrypt|decode)|hostname_mismatch|invalid_(?:ca|purpose))/;
/** The same pattern as in receipts (openapi.yaml), which find their message by this id. PostgreSQL can store every match. */
const MESSAGE_ID = /^[^\0\p{Surrogate}]{1,255}$/u;

/** Whether the code of a connection error, in lower case, shows that a certificate is wrong or that TLS failed. */
export function isOfTls(code: string): boolean {
  return TLS.test(code);
}

/** Whether the code of a connection error, in lower case, shows that the URL or a certificate is wrong. */
export function isOfConfiguration(code: string): boolean {
  return code === 'enotfound' || isOfTls(code);
}

/**
 * Whether a request was certainly not sent, or not whole: there was no connection, or with https no completed TLS handshake, or the
 * time ended during the upload. Without got's timings, and after another error of a reused connection, the request may have been sent.
 */
export function wasNotSent({ code, timings, request, options }: RequestError): boolean {
  if (timings === undefined) return false;
  if (code === 'ETIMEDOUT' && timings.upload === undefined) return true;
  if (request?.reusedSocket) return false;
  const secure = String(options.url).startsWith('https:');
  return (secure ? timings.secureConnect : timings.connect) === undefined;
}

/** Of a link to a file, which a provider may quote. Without the signature, the text gives no access to the file. */
const LINK_SIGNATURE = /\bsignature=[\w-]{16,}/g;

/**
 * The first `DETAIL_LENGTH` characters of a text, in one line and without characters that PostgreSQL cannot store: NUL and
 * lone surrogates.
 */
export function toStorable(text: string): string {
  const concealed = text.slice(0, 2 * DETAIL_LENGTH).replaceAll(LINK_SIGNATURE, 'signature=…');
  const shortened = concealed.slice(0, DETAIL_LENGTH).toWellFormed().replaceAll('\0', '');
  return shortened.replaceAll(/\s*[\r\n]\s*/g, ' ').trim();
}

export function isMessageId(id: unknown): id is string {
  return typeof id === 'string' && MESSAGE_ID.test(id);
}

/** The same failure, if the message may have been accepted by an earlier request. */
export function toUnknown({ httpStatus, class: errorClass, code, detail }: FailedOutcome): SendOutcome {
  return { outcome: 'unknown', httpStatus, class: errorClass, code, detail };
}

/** The outcome of a response that is longer than the limit. */
export function tooLong(httpStatus: number): FailedOutcome {
  const detail = `The provider responded with ${httpStatus} and more than ${MAX_BODY_BYTES / 1_024} KiB`;
  return { outcome: 'unknown', httpStatus, class: 'provider_error', code: 'response_too_long', detail };
}
