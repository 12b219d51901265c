const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
const RFC_850 = /^([A-Z][a-z]{2})[a-z]*day, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}:\d{2}:\d{2}) GMT$/;
const ASCTIME = /^([A-Z][a-z]{2}) ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}:\d{2}:\d{2}) (\d{4})$/;
const SECONDS = /^\d+(\.\d+)?$/;

/** Max `Retry-After`: all workers wait, so one wrong number would stop the account for years. */
const CAP_MS = 60 * 60 * 1_000;

/**
 * The value of a `Retry-After` header in milliseconds, at most an hour; null if the header is absent, repeated or invalid.
 *
 * @param values of all headers of this name.
 * @param now milliseconds since 1970.
 */
export function retryAfterMs(values: readonly string[] | undefined, now: number): number | null {
  const [value, ...others] = values ?? [];
  const ms = value === undefined || others.length > 0 ? null : parseRetryAfter(value, now);
  return ms === null ? null : Math.min(ms, CAP_MS);
}

/**
 * The value of a `Retry-After` header in milliseconds from `now`, or null if it is neither seconds nor an HTTP-date
 * (RFC 9110, sections 10.2.3 and 5.6.7). Fractions of seconds, which the RFC does not have, are rounded up.
 *
 * @param now milliseconds since 1970.
 */
export function parseRetryAfter(value: string, now: number): number | null {
  const text = value.trim();
  if (SECONDS.test(text)) return Math.ceil(Number(text)) * 1_000;
  const date = parseHttpDate(text, now);
  return date === null ? null : Math.max(0, date - now);
}

function parseHttpDate(text: string, now: number): number | null {
  if (IMF_FIXDATE.test(text)) return exactDate(text);
  const [, day, date, month, year, time] = RFC_850.exec(text) ?? [];
  if (year !== undefined)
    return exactDate(`${day}, ${date} ${month} ${fullYear(Number(year), now)} ${time} GMT`);
  const [, weekday, name, padded, clock, full] = ASCTIME.exec(text) ?? [];
  return full === undefined
    ? null
    : exactDate(`${weekday}, ${padded?.replace(' ', '0')} ${name} ${full} ${clock} GMT`);
}

/** `Date.parse` alone accepts the 31st of February and any weekday. */
function exactDate(text: string): number | null {
  const date = new Date(text);
  return date.toUTCString() === text ? date.getTime() : null;
}

/** A year of two digits is at most 50 years in the future (RFC 9110, section 5.6.7). */
function fullYear(lastDigits: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + lastDigits;
  if (year > thisYear + 50) return year - 100;
  return year <= thisYear - 50 ? year + 100 : year;
}
