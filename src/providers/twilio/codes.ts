import type { ErrorClass } from '../../openapi/error-class.ts';
import {
  CONTENT,
  type CodeMeaning,
  DESTINATION,
  NOT_PROCESSED,
  OPERATOR,
  SENDER,
  THROTTLED,
  UNKNOWN,
} from '../http/code-meaning.ts';

const rejected = (errorClass: ErrorClass): CodeMeaning => ({
  ...{ outcome: 'rejected', class: errorClass, isOperatorError: false },
});
const UNREACHABLE = rejected('unreachable');
const BLOCKED = rejected('blocked_by_carrier');

/** Source: https://www.twilio.com/docs/api/errors */
const MEANINGS = new Map(
  Object.entries<CodeMeaning>({
    // Never processed: the request exceeded a limit of the account (20429), the sender (21611, 14107, 30022), its queue
    // (30001), or the channel of the recipient (63018).
    14107: THROTTLED,
    20429: THROTTLED,
    21611: THROTTLED,
    30001: THROTTLED,
    30022: THROTTLED,
    63018: THROTTLED,
    // The service is unavailable and did not process the request.
    20503: NOT_PROCESSED,
    // The message may have been sent.
    20500: UNKNOWN,
    20504: UNKNOWN,

    // Credentials, account, credit.
    20003: OPERATOR,
    20005: OPERATOR,
    20006: OPERATOR,
    20008: OPERATOR,
    20010: OPERATOR,
    20404: OPERATOR,
    21703: OPERATOR,
    21704: OPERATOR,
    21705: OPERATOR,
    21710: OPERATOR,
    30002: OPERATOR,
    90010: OPERATOR,
    // The sender does not belong to the account, or is not registered with the carriers.
    21212: SENDER,
    21603: SENDER,
    21606: SENDER,
    21608: SENDER,
    21618: SENDER,
    21659: SENDER,
    21660: SENDER,
    21661: SENDER,
    21712: SENDER,
    30032: SENDER,
    30033: SENDER,
    30034: SENDER,
    30035: SENDER,
    30450: SENDER,
    63007: SENDER,

    // The recipient.
    21201: DESTINATION,
    21211: DESTINATION,
    21214: DESTINATION,
    21217: DESTINATION,
    21265: DESTINATION,
    21401: DESTINATION,
    21604: DESTINATION,
    21612: DESTINATION,
    21614: DESTINATION,
    21408: DESTINATION,
    30011: DESTINATION,
    21610: rejected('opted_out'),
    30003: UNREACHABLE,
    30005: UNREACHABLE,
    30006: UNREACHABLE,
    30009: UNREACHABLE,
    30017: UNREACHABLE,
    30004: BLOCKED,
    30007: BLOCKED,
    30036: rejected('expired'),

    // The content.
    21602: CONTENT,
    21605: CONTENT,
    21617: CONTENT,
    21619: CONTENT,
    21620: CONTENT,
    21621: CONTENT,
    21623: CONTENT,
    21654: CONTENT,
    21655: CONTENT,
    21656: CONTENT,
    11200: CONTENT,
    12300: CONTENT,
    30008: rejected('provider_error'),
    30010: CONTENT,
    30019: CONTENT,
  }),
);

/** The error code in a value of Twilio, which is a number of five digits; null for any other value. */
export function readErrorCode(value: unknown): string | null {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && /^\d{5}$/.test(text) ? text : null;
}

/** @returns null for a code that this service does not know. */
export function meaningOfCode(code: string): CodeMeaning | null {
  return MEANINGS.get(code) ?? null;
}

/** The page of an error code. */
export function pageOfCode(code: string): string {
  return `https://www.twilio.com/docs/api/errors/${code}`;
}
