import type { Knex } from 'knex';

/** The rows of a table that one type of line shows. */
export interface Items {
  /** The type of the lines. */
  type: string;
  /** SQL: the tables. */
  from: string;
  /** SQL: the unique key, in the order of an index. */
  keys: readonly string[];
  /** SQL: the fields of the line. Times end with `_at` or are named `timestamp`. */
  fields: readonly string[];
  /** SQL: the condition, with named bindings. */
  where: string;
}

export interface Item {
  keys: (number | string)[];
  /** The fields as JSON. */
  data: string;
}

type Row = { data: string; found: number } & Record<`key_${number}`, number | string>;

const MAX_ROWS = 200;
/** A page ends after the row that exceeds this number of bytes. */
const PAGE_BYTES = 524_288;

const TIME = /(?:^|\.)"?(\w+_at|timestamp)"?$/;

/**
 * Reads rows in pages of bounded size, each by a statement of its own, so that no transaction lasts long. PostgreSQL makes the JSON,
 * which keeps the digits of large numbers.
 */
export async function* readItems(
  knex: Knex,
  items: Items,
  bindings: Record<string, Knex.RawBinding>,
): AsyncGenerator<Item[]> {
  let after: Item['keys'] | null = null;
  let limit = MAX_ROWS;
  for (;;) {
    const values: Record<string, Knex.RawBinding> = { ...bindings, limit, bytes: PAGE_BYTES };
    for (const [n, key] of after?.entries() ?? []) values[`after_${n}`] = key;
    const { rows } = await knex.raw<{ rows: Row[] }>(pageOf(items, after !== null), values);
    if (rows.length > 0) yield rows.map((row) => ({ keys: keysOf(row, items), data: row.data }));
    const last = rows.at(-1);
    if (!last || (last.found < limit && rows.length === last.found)) return;
    after = keysOf(last, items);
    // Rows that did not fit are made again for the next page, so it has few more than fit.
    limit = Math.min(rows.length === last.found ? limit * 2 : rows.length + 1, MAX_ROWS);
  }
}

function keysOf(row: Row, { keys }: Items): Item['keys'] {
  return keys.map((_, n) => row[`key_${n}`] as number | string);
}

function pageOf({ from, keys, fields, where }: Items, isContinued: boolean): string {
  const names = keys.map((_, n) => `key_${n}`);
  const after = names.map((_, n) => `:after_${n}`);
  return `
    select * from (
      select *, count(*) over ()::int as found,
        sum(octet_length(data)) over (order by ${names}) - octet_length(data) as before
      from (
        select ${keys.map((key, n) => `${key} as key_${n}`)}, ${jsonOf(fields)} as data
        from ${from}
        where ${where} ${isContinued ? `and (${keys}) > (${after})` : ''}
        order by ${keys} limit :limit
      ) as item
    ) as page where before < :bytes order by ${names}`;
}

/** SQL: the fields as the text of a JSON object. */
export function jsonOf(fields: readonly string[]): string {
  return `(select row_to_json(object)::text from (select ${fields.map(fieldOf)}) as object)`;
}

/** SQL: the first row of a query as JSON; null if there is none. */
export function objectOf(fields: readonly string[], rest: string): string {
  return `(select row_to_json(object) from (select ${fields.map(fieldOf)} ${rest}) as object)`;
}

/** SQL: the rows of a query as an array. */
export function arrayOf(fields: readonly string[], rest: string): string {
  return `(select json_agg(object) from (select ${fields.map(fieldOf)} ${rest}) as object)`;
}

function fieldOf(field: string): string {
  const name = TIME.exec(field)?.[1];
  if (name === undefined) return field;
  return `to_char(${field} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${name}`;
}
