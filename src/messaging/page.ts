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

/** A page from `limit + 1` rows; `keyOf` gives the values that the next page starts after. */
export function pageOf<Row, T>(
  rows: Row[],
  limit: number,
  keyOf: (row: Row) => unknown[],
  present: (row: Row, index: number) => T,
): Page<T> {
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  return {
    data: shown.map(present),
    next_cursor: last === undefined ? null : Buffer.from(JSON.stringify(keyOf(last))).toString('base64url'),
  };
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
