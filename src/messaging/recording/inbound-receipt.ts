import type { Schema } from '../../openapi/types.ts';
import { toOneLine, truncate } from '../text.ts';
import { readInboundTime } from './inbound-content.ts';
import { readText } from './inbound-values.ts';

type Event = Schema<'SmsReceipt'> | Schema<'EmailReceipt'>;

const MAX_WORD = 64;
const MAX_DETAIL = 1_024;
/** A provider's status or error code that says nothing. */
const UNKNOWN = 'unknown';

/** What a receipt reports. Texts that are too long are cut; all of the receipt stays in its payload. */
export function readReceipt({ status, error, timestamp }: Event) {
  return {
    status: word(status).toLowerCase(),
    error: readError(error),
    occurred_at: readInboundTime(timestamp) ?? new Date(),
  };
}

/** The first of the errors. A value of another type than the contract names is still an error, without known details. */
function readError(errors: unknown): { code: string; detail: string | null } | null {
  const error = Array.isArray(errors) ? errors[0] : errors;
  if (error === null || error === undefined || error === false) return null;
  if (typeof error === 'string') return { code: UNKNOWN, detail: truncate(error, MAX_DETAIL) };
  const { code, detail } = typeof error === 'object' ? error : { code: error, detail: null };
  const text = readText(detail);
  return { code: word(code), detail: text === null ? null : truncate(text, MAX_DETAIL) };
}

function word(value: unknown): string {
  return truncate(toOneLine(readText(value) ?? ''), MAX_WORD) || UNKNOWN;
}
