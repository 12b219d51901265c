import { type Fault, InvalidRequestError } from '../errors.ts';

/** RFC 3339, and also the offsets of ISO 8601 without a colon or minutes. */
const TIME = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:(\d\d))(\.\d+)?([Zz]|([+-]\d\d):?(\d\d)?)$/;
/** The last time that RFC 3339 allows, which has years of four digits. */
export const LAST_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * Parses an RFC 3339 time and truncates it to milliseconds. `Date` gets one normalised form only, because it parses other
 * forms differently, for example the year 0049 as 2049.
 *
 * @returns the time, or an error text for an invalid time.
 */
export function parseTime(text: string): Date | string {
  const [, date, clock, seconds, fraction = '.', , hours, minutes = '00'] = TIME.exec(text) ?? [];
  if (date === undefined) return 'must be a time as in RFC 3339, such as 2024-11-01T14:00:00Z';
  if (seconds === '60') return 'must not be a leap second, which cannot be stored';
  const offset = hours === undefined ? 'Z' : `${hours}:${minutes}`;
  const time = new Date(`${date}T${clock}${fraction.slice(0, 4).padEnd(4, '0')}${offset}`);
  if (Number.isNaN(time.getTime())) return 'must be a time that exists';
  return isStorable(time) ? time : 'must be in the years 0001 to 9999 in UTC';
}

/** Whether a response can contain the time: RFC 3339 allows the years 0001 to 9999. */
export function isStorable(time: Date): boolean {
  return time.getUTCFullYear() >= 1 && time.getTime() <= LAST_TIME;
}

/** Parses a time that is valid by the schema. Adds a fault at `path` and returns null if the time cannot be stored. */
export function readTime(path: string, input: string | undefined, faults: Fault[]): Date | null {
  if (input === undefined) return null;
  const time = parseTime(input);
  if (time instanceof Date) return time;
  faults.push({ path, message: time });
  return null;
}

/** @throws {InvalidRequestError} if the time cannot be stored. */
export function readQueryTime(name: string, input: string | undefined): Date | null {
  const faults: Fault[] = [];
  const time = readTime(`/query/${name}`, input, faults);
  if (faults.length > 0) throw new InvalidRequestError(faults);
  return time;
}
