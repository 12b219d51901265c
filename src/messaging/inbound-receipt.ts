import type { Schema } from '../openapi/types.ts';
import { readInboundTime } from './inbound-content.ts';
import { toOneLine, truncate } from './text.ts';

type Event = Schema<'TextStatus'> | Schema<'EmailStatus'>;

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

function readError(error: Event['error']): { code: string; detail: string | null } | null {
  if (error === null || error === undefined) return null;
  const { code, detail } = typeof error === 'string' ? { code: null, detail: error } : error;
  return {
    code: word(`${code ?? ''}`),
    detail: typeof detail === 'string' ? truncate(detail, MAX_DETAIL) : null,
  };
}

function word(text: string): string {
  return truncate(toOneLine(text), MAX_WORD) || UNKNOWN;
}
