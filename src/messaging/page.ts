import { InvalidRequestError } from '../errors.ts';

/** A page of a list, and where the next one begins. */
export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

export interface PageQuery {
  limit?: number | undefined;
  cursor?: string | undefined;
}

export const DEFAULT_LIMIT = 50;

/** A page ends when its content has this many bytes; it has at least one item. */
export const PAGE_BYTES = 4 * 1024 * 1024;
/** A response may have this many bytes of content without reserving them. */
export const FREE_BYTES = 256 * 1024;

/** The values that a cursor was made of, each checked by its own test. */
export function readCursor<T extends unknown[]>(
  cursor: string | undefined,
  tests: { [K in keyof T]: (value: unknown) => value is T[K] },
): T | null {
  if (cursor === undefined) return null;
  try {
    const values: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    const matches =
      Array.isArray(values) &&
      values.length === tests.length &&
      tests.every((test, index) => test(values[index]));
    if (matches) return values as T;
  } catch {
    // Not a cursor of ours: the fault below says so.
  }
  throw new InvalidRequestError([{ path: '/query/cursor', message: 'is not a next_cursor of this list' }]);
}

/** A page of these rows; `next` has the values that the next page starts after, null on the last page. */
export function pageOf<Row, T>(
  rows: Row[],
  next: unknown[] | null,
  present: (row: Row, index: number) => T,
): Page<T> {
  const cursor = next && Buffer.from(JSON.stringify(next)).toString('base64url');
  return { data: rows.map(present), next_cursor: cursor };
}

export function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** As `toISOString` writes it: a time that is on the calendar, within what PostgreSQL can hold. */
export function isTime(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    /^(?!0000)\d{4}-/.test(value) &&
    !Number.isNaN(Date.parse(value)) &&
    new Date(value).toISOString() === value
  );
}
