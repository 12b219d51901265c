import type { ErrorClass } from '../../openapi/error-class.ts';
import {
  CONTENT,
  type CodeMeaning,
  DESTINATION,
  meaning,
  NOT_PROCESSED,
  OPERATOR,
  REQUEST,
  SENDER,
  THROTTLED,
  UNKNOWN,
} from '../http/code-meaning.ts';

/** The sender cannot send this message; another message of the sender may be sent. */
const WRONG_SENDER = meaning('rejected', 'sender_not_allowed');

/**
 * Codes in responses to a send. The code decides before the HTTP status: 40300 has been seen with 400, 403 and 409.
 * Source: https://support.telnyx.com/en/articles/6505121-telnyx-messaging-error-codes
 */
const MEANINGS = new Map(
  Object.entries<CodeMeaning>({
    // The request has the wrong form.
    10001: DESTINATION,
    10002: DESTINATION,
    10003: CONTENT,
    10004: CONTENT,
    10005: REQUEST,
    10006: REQUEST,
    10015: CONTENT,
    10016: DESTINATION,
    // Telnyx may have sent the message.
    10007: UNKNOWN,
    // Above a rate limit, and a full queue of the sender.
    10011: THROTTLED,
    40318: THROTTLED,

    // Credentials, permissions, account, credit.
    10009: OPERATOR,
    10010: OPERATOR,
    20002: OPERATOR,
    20006: OPERATOR,
    20012: OPERATOR,
    20013: OPERATOR,
    20014: OPERATOR,
    20015: OPERATOR,
    20016: OPERATOR,
    20017: OPERATOR,
    20100: OPERATOR,
    40311: OPERATOR,
    40312: OPERATOR,
    40313: OPERATOR,
    40314: OPERATOR,
    // The number or its registration.
    40010: SENDER,
    40100: SENDER,
    40150: SENDER,
    40151: SENDER,
    40315: SENDER,
    40329: SENDER,
    40333: SENDER,
    // The purchase of the number is not complete yet.
    40320: NOT_PROCESSED,

    40300: meaning('rejected', 'opted_out'),
    40301: DESTINATION,
    40302: CONTENT,
    40304: CONTENT,
    40305: WRONG_SENDER,
    40306: WRONG_SENDER,
    40307: WRONG_SENDER,
    40308: WRONG_SENDER,
    40309: DESTINATION,
    40310: DESTINATION,
    40316: CONTENT,
    40317: CONTENT,
    40319: DESTINATION,
    40321: WRONG_SENDER,
    40322: CONTENT,
    40325: CONTENT,
    40328: CONTENT,
    40331: REQUEST,
  }),
);

/**
 * The classes of codes in delivery reports. 40300 is no opt-out there: the recipient cannot be reached.
 * Source: https://developers.telnyx.com/docs/messaging/messages/error-codes
 */
const REPORTED = new Map(
  Object.entries<ErrorClass>({
    40001: 'invalid_destination',
    40002: 'blocked_by_carrier',
    40003: 'blocked_by_carrier',
    40004: 'blocked_by_carrier',
    40005: 'expired',
    40006: 'unreachable',
    40008: 'unreachable',
    40009: 'content_rejected',
    40010: 'sender_not_allowed',
    40011: 'rate_limited',
    40012: 'invalid_destination',
    40013: 'sender_not_allowed',
    40014: 'expired',
    40015: 'blocked_by_carrier',
    40016: 'rate_limited',
    40017: 'blocked_by_carrier',
    40018: 'rate_limited',
    40020: 'rate_limited',
    40300: 'unreachable',
  }),
);

/** The error code in a value of Telnyx, which is five digits; null for any other value. */
export function readErrorCode(value: unknown): string | null {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && /^\d{5}$/.test(text) ? text : null;
}

/** @returns null for a code that this service does not know. */
export function meaningOfCode(code: string): CodeMeaning | null {
  return MEANINGS.get(code) ?? null;
}

/** The class of a code in a delivery report. */
export function classOfReport(code: string): ErrorClass {
  return REPORTED.get(code) ?? MEANINGS.get(code)?.class ?? 'provider_error';
}

/** The page of an error code. */
export function pageOfCode(code: string): string {
  return `https://developers.telnyx.com/docs/overview/errors/${code}`;
}
