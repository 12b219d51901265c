import { isStorable, parseTime } from './time.ts';

/** The `Date` header of RFC 5322, with its time zone: a time without one is ambiguous. */
const RFC_5322 =
  /^(?:[a-z]{3},\s*)?(\d{1,2}\s+[a-z]{3}\s+\d{4})\s+\d\d:\d\d(?::\d\d)?\s+(?:[+-]\d{4}|[a-z]{1,5})(?:\s*\([^()]*\))?$/i;
const MAX_TIME = 100;

/** The time that a provider gives, in RFC 3339 or RFC 5322; null where it is missing or cannot be read. */
export function readInboundTime(input: string | null | undefined): Date | null {
  const text = input?.trim() ?? '';
  if (text.length > MAX_TIME) return null;
  const date = RFC_5322.exec(text)?.[1];
  const time = date === undefined ? parseTime(text) : new Date(text);
  const exists = time instanceof Date && isStorable(time) && isOfCalendar(date ?? text.slice(0, 10));
  return exists ? time : null;
}

/** Whether a month has this day: `Date` reads the 31st of February as a day in March. */
function isOfCalendar(date: string): boolean {
  const day = /^\d{4}-/.test(date) ? date.slice(-2) : date.slice(0, 2);
  return new Date(`${date} UTC`).getUTCDate() === Number(day);
}

/** Values of a list that are read. */
const MAX_URLS = 1_000;

/** The web URLs among these, escaped as browsers escape them (WHATWG URL). */
export function readUrls(inputs: readonly (string | null)[] | null | undefined): string[] {
  return (inputs ?? []).slice(0, MAX_URLS).flatMap((input) => {
    const url = input === null ? null : URL.parse(input);
    return url && /^https?:$/.test(url.protocol) ? url.href : [];
  });
}
