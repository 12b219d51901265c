import type { ErrorClass, StoredError } from '../../openapi/error-class.ts';
import type { ReceiptContent } from '../../providers/webhook.ts';
import { toOneLine, truncate } from '../text.ts';
import { readInboundTime } from './inbound-content.ts';
import { readText } from './inbound-values.ts';

type Content = Pick<ReceiptContent, 'status' | 'error' | 'timestamp' | 'errorClass' | 'errorUrl'>;

const MAX_CODE = 64;
const MAX_DETAIL = 1_024;
/** Replaces an empty status or error code of a provider. */
const UNKNOWN = 'unknown';

/** Reads the status, error and time of a receipt. Truncates long texts; the payload contains the whole receipt. */
export function readReceipt({ status, error, timestamp, errorClass, errorUrl }: Content) {
  return {
    status: readCode(status).toLowerCase(),
    error: withClass(readError(error), errorClass, errorUrl),
    occurred_at: readInboundTime(timestamp) ?? new Date(),
  };
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
