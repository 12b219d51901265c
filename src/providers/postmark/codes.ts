import type { ErrorClass } from '../../openapi/error-class.ts';
import {
  CONTENT,
  type CodeMeaning,
  meaning,
  meaningOfStatus,
  NOT_PROCESSED,
  OPERATOR,
  REQUEST,
  SENDER,
  THROTTLED,
} from '../http/code-meaning.ts';

/** Source: https://postmarkapp.com/developer/api/overview#error-codes */
const MEANINGS = new Map(
  Object.entries<CodeMeaning>({
    // Credentials, approval, credit, and the message stream.
    10: OPERATOR,
    405: OPERATOR,
    412: OPERATOR,
    413: OPERATOR,
    1226: OPERATOR,
    1235: OPERATOR,
    1236: OPERATOR,
    // The sender signature does not exist, or is not confirmed.
    400: SENDER,
    401: SENDER,
    // Maintenance.
    100: NOT_PROCESSED,
    429: THROTTLED,

    300: CONTENT,
    402: REQUEST,
    403: REQUEST,
    409: REQUEST,
    // Hard bounces, complaints and manual suppressions are one code.
    406: meaning('rejected', 'opted_out'),
    411: CONTENT,
  }),
);

/** The text of the code 300 tells what is wrong with the email. */
const INVALID: readonly [text: RegExp, errorClass: ErrorClass][] = [
  [/'(?:To|Cc|Bcc)'|recipient/i, 'invalid_destination'],
  [/'From'/i, 'sender_not_allowed'],
];
const INVALID_EMAIL = '300';

/** The error code in a body; null for 0, which is no error, and for any other value. */
export function readErrorCode(value: unknown): string | null {
  const isCode = Number.isInteger(value) && (value as number) > 0 && (value as number) < 100_000;
  return isCode ? String(value) : null;
}

/** The meaning of a response, by its code first and its status second. */
export function meaningOf(status: number, code: string | null, text: string): CodeMeaning {
  const known = code === null ? undefined : MEANINGS.get(code);
  if (known && code === INVALID_EMAIL) {
    const [, errorClass] = INVALID.find(([pattern]) => pattern.test(text)) ?? [];
    return errorClass ? { ...known, class: errorClass } : known;
  }
  if (known) return known;
  if (status === 503) return NOT_PROCESSED;
  return status === 413 ? CONTENT : meaningOfStatus(status);
}

/** The page of the error codes. */
export const CODES_PAGE = 'https://postmarkapp.com/developer/api/overview#error-codes';
