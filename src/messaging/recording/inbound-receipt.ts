import { hash } from 'node:crypto';
import stringify from 'safe-stable-stringify';
import type { ErrorClass, StoredError } from '../../openapi/error-class.ts';
import { parseEcho } from '../../providers/echo.ts';
import type { ReceiptContent } from '../../providers/webhook.ts';
import type { AddressParser } from '../address.ts';
import { toOneLine, truncate } from '../text.ts';
import { readInboundTime } from './inbound-content.ts';
import { readText } from './inbound-values.ts';

const MAX_CODE = 64;
const MAX_DETAIL = 1_024;
/** Max characters of a recipient that is not an address. */
const MAX_ADDRESS = 255;
/** A longer key of a provider is replaced by its digest. */
const MAX_KEY = 255;
/** Replaces an empty status or error code of a provider. */
const UNKNOWN = 'unknown';

/**
 * A receipt from a webhook of the account `provider`. Truncates long texts; the payload contains the whole receipt. The address
 * of a recipient is normalised as the addresses of messages are, so that the two can be compared.
 */
export function readReceipt(parse: AddressParser, provider: string, content: ReceiptContent) {
  const { providerMessageId, error, errorClass, errorUrl, timestamp, payload } = content;
  const echo = content.echo === null ? null : parseEcho(content.echo);
  const recipient = readRecipient(parse, content.recipient);
  const status = readCode(content.status).toLowerCase();
  return {
    ...{ provider, provider_message_id: providerMessageId, echo, recipient, status, payload },
    of_one: content.ofOne ?? false,
    dedupe_key: dedupeKeyOf(content, echo && [echo.deliveryKey, providerMessageId, recipient, status]),
    bounce: readBounce(content.bounce),
    wire_message_id: readMessageId(content.wireMessageId),
    error: withClass(readError(error), errorClass, errorUrl),
    occurred_at: readInboundTime(timestamp) ?? new Date(),
  };
}

/**
 * The key that identifies a receipt; null if the provider's id, the recipient and the status do. With an echo, the delivery key
 * identifies the receipt too, because a faulty provider can give one id to several messages. A receipt with neither an id nor
 * an echo is the same as another receipt with the same payload.
 */
function dedupeKeyOf(
  { dedupeKey, providerMessageId, payload }: ReceiptContent,
  byEcho: readonly unknown[] | null,
): string | null {
  if (dedupeKey !== undefined) return dedupeKey.length <= MAX_KEY ? dedupeKey : digest(dedupeKey);
  if (byEcho !== null) return digest(byEcho);
  return providerMessageId === null ? digest(payload) : null;
}

function digest(value: unknown): string {
  return hash('sha256', stringify(value) ?? '', 'base64url');
}

function readBounce(value: unknown): 'hard' | 'soft' | null {
  return value === 'hard' || value === 'soft' ? value : null;
}

/** The Message-ID of an email, which the database can find: printable ASCII of at most a line (RFC 5322, 2.1.1). */
function readMessageId(value: string | undefined): string | null {
  return value !== undefined && /^[!-~]{1,998}$/.test(value) ? value : null;
}

/**
 * Null if the receipt names no recipient: its value is absent, null or a blank text. A value that names no address is kept as
 * JSON, which is no address of a message, so that the receipt changes nothing.
 */
function readRecipient(parse: AddressParser, value: unknown): string | null {
  if (value === null || value === undefined || (typeof value === 'string' && value.trim() === ''))
    return null;
  const address = readAddress(value);
  const key = address && parse(address)?.key;
  return key ?? truncate(toOneLine(address ?? stringify(value) ?? UNKNOWN), MAX_ADDRESS);
}

/** The address in a text, an object with a text `address`, or a list of one of these; null for any other value. */
function readAddress(value: unknown): string | null {
  const item = Array.isArray(value) && value.length === 1 ? value[0] : value;
  const isObject = typeof item === 'object' && item !== null && !Array.isArray(item);
  const text = readText(isObject ? item.address : item);
  return text?.trim() ? text : null;
}

function withClass(
  error: ReturnType<typeof readError>,
  errorClass: ErrorClass = 'provider_error',
  url: string | null = null,
): StoredError | null {
  return error && { ...error, class: errorClass, url };
}

/** Reads the first error. A value of another type than in the contract is an error too. */
function readError(errors: unknown): { code: string; detail: string | null } | null {
  const error = Array.isArray(errors) ? errors[0] : errors;
  if (error === null || error === undefined || error === false) return null;
  if (typeof error === 'string') return { code: UNKNOWN, detail: truncate(error, MAX_DETAIL) };
  const { code, detail } = typeof error === 'object' ? error : { code: error, detail: null };
  const text = readText(detail);
  return { code: readCode(code), detail: text === null ? null : truncate(text, MAX_DETAIL) };
}

function readCode(value: unknown): string {
  return truncate(toOneLine(readText(value) ?? ''), MAX_CODE) || UNKNOWN;
}
