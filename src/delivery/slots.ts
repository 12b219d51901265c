import type pg from 'pg';
import type { Provider } from '../providers/provider.ts';

/**
 * The limits of providers and senders, shared by all workers through the database. A row says when the next message
 * may go; whoever takes messages up moves it on by their number, so that each has a time of its own, and a provider
 * that asks for a pause has it moved on for everyone (`settle_deliveries`).
 */

/** A message whose time is at most this far away is taken up, and held until then. In milliseconds. */
export const HOLD_MS = 250;

const ADD = {
  name: 'add-slots',
  text: `insert into sending_slots (name, next_at) select unnest($1::text[]), statement_timestamp() on conflict do nothing`,
};

const READ = {
  name: 'read-slots',
  text: `
    select name, extract(epoch from next_at - statement_timestamp())::float8 * 1000 as in_ms
    from sending_slots where name = any($1::text[])`,
};

/** In the order of their names, so that no two workers wait for each other. */
const LOCK = { name: 'lock-slots', text: `${READ.text} order by name for update` };

const RESERVE = {
  name: 'reserve-slots',
  text: `
    insert into sending_slots as slots (name, next_at)
    select name, statement_timestamp() + span_ms * interval '1 millisecond'
    from unnest($1::text[], $2::float8[]) as wanted(name, span_ms) order by name
    on conflict (name) do update
      set next_at = greatest(slots.next_at, statement_timestamp()) + (excluded.next_at - statement_timestamp())
    returning name, extract(epoch from next_at - statement_timestamp())::float8 * 1000 as in_ms`,
};

/** In how many milliseconds each of these may be handed the next message; negative where it may now. */
export type Waits = Map<string, number>;

type Row = { name: string; in_ms: number };

/** Whoever has a limit is locked until the commit. */
export async function readSlots(connection: pg.ClientBase, providers: Provider[]): Promise<Waits> {
  const names = (limited: boolean) =>
    providers.filter(({ perSecond }) => (perSecond !== null) === limited).map(({ name }) => name);
  const rows: Row[] = [];
  if (names(true).length > 0) {
    await connection.query(ADD, [names(true)]);
    rows.push(...(await connection.query<Row>(LOCK, [names(true)])).rows);
  }
  if (names(false).length > 0) rows.push(...(await connection.query<Row>(READ, [names(false)])).rows);
  const found = new Map(rows.map(({ name, in_ms }) => [name, in_ms]));
  return new Map(providers.map(({ name }) => [name, found.get(name) ?? Number.NEGATIVE_INFINITY]));
}

/** How many messages have a time at `perSecond` within the next `HOLD_MS`, the first in `inMs`. */
export function slotsWithin(inMs: number, perSecond: number | null): number {
  if (inMs > (perSecond === null ? 0 : HOLD_MS)) return 0;
  if (perSecond === null) return Number.POSITIVE_INFINITY;
  return Math.floor(((HOLD_MS - Math.max(0, inMs)) * perSecond) / 1_000) + 1;
}

/**
 * Reserves times for as many messages of each name as `counts` says; gives, by name, in how many milliseconds the
 * first of them is.
 */
export async function reserve(
  connection: pg.ClientBase,
  counts: Map<string, { count: number; perSecond: number }>,
): Promise<Waits> {
  if (counts.size === 0) return new Map();
  const spans = [...counts.values()].map(({ count, perSecond }) => (count * 1_000) / perSecond);
  const { rows } = await connection.query<Row>(RESERVE, [[...counts.keys()], spans]);
  return new Map(
    rows.map(({ name, in_ms }) => {
      const { count, perSecond } = counts.get(name) as { count: number; perSecond: number };
      return [name, in_ms - (count * 1_000) / perSecond];
    }),
  );
}
