import { hash } from 'node:crypto';
import { InvalidRequestError } from '../errors.ts';

/** A page of a list, and the cursor of the next page; null on the last page. */
export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

export interface PageQuery {
  limit?: number | undefined;
  cursor?: string | undefined;
}

export const DEFAULT_LIMIT = 50;

/** The bytes of content after which a page ends; a page has at least one item. */
export const PAGE_BYTES = 4 * 1024 * 1024;
/** The bytes of content up to which a response reserves nothing of the response budget. */
export const FREE_BYTES = 256 * 1024;

type Tests<T extends unknown[]> = { [K in keyof T]: (value: unknown) => value is T[K] };

/**
 * The cursors of one list with its filters. A cursor contains the position of the last item, and a digest of the list and
 * the filters, so that the cursor is valid for this list with these filters only.
 */
export class Cursors<T extends unknown[]> {
  readonly #digest: string;
  /** The position after which the page starts; null for the first page. */
  readonly after: T | null;

  /** @throws {InvalidRequestError} if the cursor of the query is not a cursor of this list with these filters. */
  constructor(list: string, { cursor, limit: _, ...filters }: PageQuery & object, tests: Tests<T>) {
    this.#digest = digestOf(list, filters);
    this.after = cursor === undefined ? null : this.#read(cursor, tests);
  }

  /** A page of these rows; `last` is the position of the last row, null on the last page. */
  page<Row, Item>(rows: Row[], last: T | null, present: (row: Row) => Item): Page<Item> {
    const cursor = last && Buffer.from(JSON.stringify([this.#digest, ...last])).toString('base64url');
    return { data: rows.map((row) => present(row)), next_cursor: cursor };
  }

  #read(cursor: string, tests: Tests<T>): T {
    const [digest, ...values] = parse(cursor);
    if (values.length !== tests.length || !tests.every((test, index) => test(values[index])))
      throw fault('is not a next_cursor of this list');
    if (digest !== this.#digest) throw fault('is a next_cursor of another list or of other filters');
    return values as T;
  }
}

function parse(cursor: string): unknown[] {
  try {
    const values: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(values) ? values : [];
  } catch {
    return [];
  }
}

function digestOf(list: string, filters: object): string {
  const given = Object.entries(filters).filter(([, value]) => value !== undefined);
  return hash('sha256', JSON.stringify([list, ...given.sort()]), 'base64url').slice(0, 12);
}

function fault(message: string): InvalidRequestError {
  return new InvalidRequestError([{ path: '/query/cursor', message }]);
}

export function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A time in the format of `toISOString`, with a valid date in the range of PostgreSQL. */
export function isTime(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    /^(?!0000)\d{4}-/.test(value) &&
    !Number.isNaN(Date.parse(value)) &&
    new Date(value).toISOString() === value
  );
}
