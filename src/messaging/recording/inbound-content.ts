import { fileNameOf } from '../../media/file-name.ts';
import { mediaTypeOf } from '../../media/types.ts';
import type { InboundContent } from '../../providers/webhook.ts';
import { isStorable, parseTime } from '../time.ts';
import { itemsOf, readText } from './inbound-values.ts';

/**
 * The `Date` header of RFC 5322. The time zone is required, because a time without a time zone is ambiguous; a year before 1900 is not
 * allowed, and `Date` parses the year 0001 as 2001.
 */
const RFC_5322 =
  /^(?:[a-z]{3},\s*)?(\d{1,2}\s+[a-z]{3}\s+(?:19|[2-9]\d)\d\d)\s+\d\d:\d\d(?::\d\d)?\s+(?:[+-]\d{4}|[a-z]{1,5})(?:\s*\([^()]*\))?$/i;
const MAX_TIME = 100;

/** A Unix time in seconds or milliseconds. */
const UNIX_TIME = /^\d{9,13}(?:\.\d{1,9})?$/;
const YEAR_2000 = Date.UTC(2000);
const YEAR_2100 = Date.UTC(2100);

/** Parses a provider's time in RFC 3339, RFC 5322 or Unix time; null if the time is missing or invalid. */
export function readInboundTime(input: unknown): Date | null {
  if (typeof input === 'number') return readUnixTime(input);
  const text = typeof input === 'string' ? input.trim() : '';
  if (text.length > MAX_TIME) return null;
  if (UNIX_TIME.test(text)) return readUnixTime(Number(text));
  const date = RFC_5322.exec(text)?.[1];
  const time = date === undefined ? parseTime(text) : new Date(text);
  const exists = time instanceof Date && isStorable(time) && isOfCalendar(date ?? text.slice(0, 10));
  return exists ? time : null;
}

/** Between the years 2000 and 2099, seconds and milliseconds do not overlap, so the number determines its unit. */
function readUnixTime(number: number): Date | null {
  const time = [number * 1_000, number].find((each) => each >= YEAR_2000 && each < YEAR_2100);
  return time === undefined ? null : new Date(Math.floor(time));
}

/** Whether the month has this day. `Date` parses the 31st of February as a day in March. */
function isOfCalendar(date: string): boolean {
  const day = /^\d{4}-/.test(date) ? date.slice(-2) : date.slice(0, 2);
  return new Date(`${date} UTC`).getUTCDate() === Number(day);
}

/** Maximum values of a list that are read. */
const MAX_URLS = 1_000;

/** An attachment of an inbound message, with what its provider has declared. */
export interface Attachment {
  url: string;
  contentType: string | null;
  name: string | null;
}

/** The http and https URLs in a list of attachments, normalised as in browsers (WHATWG URL). Skips other values. */
export function readAttachments({
  attachments,
  files = [],
}: Pick<InboundContent, 'attachments' | 'files'>): Attachment[] {
  return itemsOf(attachments)
    .slice(0, MAX_URLS)
    .flatMap((item, index) => {
      const url = typeof item === 'string' ? URL.parse(item) : null;
      if (!url || !/^https?:$/.test(url.protocol)) return [];
      const { contentType, name } = files[index] ?? {};
      return {
        url: url.href,
        contentType: mediaTypeOf(readText(contentType) ?? undefined),
        name: fileNameOf(name),
      };
    });
}
