import type pg from 'pg';
import { transaction } from '../db/connect.ts';
import type { Message } from '../db/models/message.ts';
import type { Outgoing, Provider } from '../providers/provider.ts';
import type { Breaker } from './breaker.ts';
import type { Lane } from './lanes.ts';
import { HOLD_MS, readSlots, reserve, slotsWithin, type Waits } from './slots.ts';

/** A message in this worker's hands until its lease ends. */
export type Claimed = Outgoing &
  Pick<
    Message,
    | 'conversation_id'
    | 'attempt_count'
    | 'retry_count'
    | 'may_have_been_sent'
    | 'created_at'
    | 'send_at'
    | 'expires_at'
  >;

export interface Claim {
  message: Claimed;
  breaker: Breaker;
  /** Milliseconds until it may be handed over. */
  delayMs: number;
}

interface Due {
  id: number;
  from: string;
  lane: number;
  /** Milliseconds since the time that was reserved for it by its sender's limit; null where none was. */
  slot_ago_ms: number | null;
}

/** A reserved time that has passed by more than this is gone: were all of them kept, they would go at once. */
const SLOT_GRACE_MS = 2_000;

/** Exported for its tests. */
export const FIND_DUE = {
  name: 'find-due',
  text: `
    select due.id, due."from", lane.n::int as lane, due.slot_ago_ms
    from unnest($1::boolean[], $2::text[], $3::boolean[], $4::int[]) with ordinality
      as lane(email, held_by, movable, room, n)
    cross join lateral (
      select id, "from", next_attempt_at,
        extract(epoch from statement_timestamp() - sender_slot_at)::float8 * 1000 as slot_ago_ms
      from messages
      where (type = 'email') = lane.email and coalesce(provider, '') = lane.held_by
        and next_attempt_at <= statement_timestamp() and status in ('queued', 'sending')
        and (not lane.movable or (status = 'queued' and not may_have_been_sent))
        and (status = 'sending' or expires_at > statement_timestamp())
      order by next_attempt_at limit lane.room
      for update skip locked
    ) as due
    order by lane.n, due.next_attempt_at, due.id`,
};

const TAKE = {
  name: 'take-messages',
  text: `
    update messages
    set status = 'sending',
        next_attempt_at = statement_timestamp() + $3::float8 * interval '1 millisecond',
        attempt_count = attempt_count + 1,
        -- Whoever had it before did not say how it ended.
        may_have_been_sent = may_have_been_sent or status = 'sending',
        provider = taken.provider, sender_slot_at = null, updated_at = statement_timestamp()
    from unnest($1::bigint[], $2::text[]) as taken(id, provider)
    where messages.id = taken.id
    returning messages.id, conversation_id, type, "from", "to", cc, bcc, reply_to, subject, body, attachments,
      "timestamp", delivery_key, attempt_count, retry_count, may_have_been_sent, created_at, send_at, expires_at`,
};

const DEFER = {
  name: 'defer-messages',
  text: `
    update messages set next_attempt_at = slot_at, sender_slot_at = slot_at
    from (
      select id, statement_timestamp() + in_ms * interval '1 millisecond' as slot_at
      from unnest($1::bigint[], $2::float8[]) as deferred(id, in_ms)
    ) as deferred
    where messages.id = deferred.id`,
};

/** Milliseconds until the first message of any of these lanes, or the first scheduled one, is due. */
const FIRST_DUE = {
  name: 'first-due',
  text: `
    select extract(epoch from min(due.at) - statement_timestamp())::float8 * 1000 as in_ms
    from (
      select first.next_attempt_at as at
      from unnest($1::boolean[], $2::text[]) as lane(email, held_by)
      cross join lateral (
        select next_attempt_at from messages
        where (type = 'email') = lane.email and coalesce(provider, '') = lane.held_by
          and next_attempt_at > statement_timestamp() and status in ('queued', 'sending')
        order by next_attempt_at limit 1
      ) as first
      union all (
        select next_attempt_at from messages where status = 'scheduled' and next_attempt_at is not null
        order by next_attempt_at limit 1)
    ) as due`,
};

/**
 * Takes up to `room` messages that are due, for `leaseMs` milliseconds. Committed when it returns: a worker that dies
 * costs its messages one lease.
 */
export async function claim(pool: pg.Pool, lanes: Lane[], room: number, leaseMs: number): Promise<Claim[]> {
  if (lanes.every(({ breaker }) => breaker.room() === 0)) return [];
  return transaction(pool, async (connection) => {
    const providers = [...new Set(lanes.map(({ breaker }) => breaker.provider))];
    const waits = await readSlots(connection, providers);
    const rooms = roomsOf(lanes, waits, room);
    const { rows } = await connection.query<Due>(FIND_DUE, [
      ...columnsOf(lanes),
      lanes.map(({ movable }) => movable),
      lanes.map(({ breaker }) => rooms.get(breaker) ?? 0),
    ]);
    const due = choose(rows, lanes, rooms, room);
    const ready = await withinSenderLimits(connection, due);
    const delays = await withinProviderLimits(connection, ready);
    if (ready.length === 0) return [];
    const { rows: taken } = await connection.query<Claimed>(TAKE, [
      ready.map(({ id }) => id),
      ready.map(({ breaker }) => breaker.provider.name),
      leaseMs + HOLD_MS,
    ]);
    const messages = new Map(taken.map((message) => [message.id, message]));
    return ready.map(({ id, breaker, delayMs }, index) => ({
      message: messages.get(id) as Claimed,
      breaker,
      delayMs: Math.max(delayMs, delays[index] as number),
    }));
  });
}

/** Milliseconds until something is due that is not yet; null where nothing will be. */
export async function firstDue(pool: pg.Pool, lanes: Lane[]): Promise<number | null> {
  const { rows } = await pool.query<{ in_ms: number | null }>(FIRST_DUE, columnsOf(lanes));
  return rows[0]?.in_ms ?? null;
}

function columnsOf(lanes: Lane[]): [boolean[], string[]] {
  return [lanes.map(({ channel }) => channel === 'email'), lanes.map(({ heldBy }) => heldBy)];
}

/** How many messages each provider may be given now. */
function roomsOf(lanes: Lane[], waits: Waits, room: number): Map<Breaker, number> {
  const roomOf = ({ room: allowed, provider }: Breaker) =>
    Math.min(room, allowed(), slotsWithin(waits.get(provider.name) as number, provider.perSecond));
  return new Map(lanes.map(({ breaker }) => [breaker, roomOf(breaker)]));
}

interface Chosen extends Due {
  breaker: Breaker;
  delayMs: number;
}

/** Each message once, by the first lane that it is in, and no more for a provider than it may be given. */
function choose(rows: Due[], lanes: Lane[], rooms: Map<Breaker, number>, room: number): Chosen[] {
  const left = new Map(rooms);
  const chosen = new Map<number, Chosen>();
  for (const row of rows) {
    const { breaker } = lanes[row.lane - 1] as Lane;
    const allowed = left.get(breaker) as number;
    if (allowed === 0 || chosen.has(row.id) || chosen.size === room) continue;
    left.set(breaker, allowed - 1);
    chosen.set(row.id, { ...row, breaker, delayMs: 0 });
  }
  return [...chosen.values()];
}

/** Those whose sender may send them now; the others are put off until the time that is reserved for them. */
async function withinSenderLimits(connection: pg.ClientBase, due: Chosen[]): Promise<Chosen[]> {
  const waiting = due.filter(
    ({ breaker, slot_ago_ms }) =>
      breaker.provider.perSecondPerSender !== null &&
      (slot_ago_ms ?? Number.POSITIVE_INFINITY) > SLOT_GRACE_MS,
  );
  await spread(
    connection,
    waiting,
    ({ from, breaker }) => `${breaker.provider.name} ${from}`,
    (provider) => provider.perSecondPerSender,
  );
  const deferred = due.filter(({ delayMs }) => delayMs > HOLD_MS);
  if (deferred.length > 0)
    await connection.query(DEFER, [deferred.map(({ id }) => id), deferred.map(({ delayMs }) => delayMs)]);
  return due.filter(({ delayMs }) => delayMs <= HOLD_MS);
}

/** Milliseconds that each has to wait by the limit of its provider. */
async function withinProviderLimits(connection: pg.ClientBase, ready: Chosen[]): Promise<number[]> {
  const limited = ready.map((chosen) => ({ ...chosen, delayMs: 0 }));
  await spread(
    connection,
    limited.filter(({ breaker }) => breaker.provider.perSecond !== null),
    ({ breaker }) => breaker.provider.name,
    (provider) => provider.perSecond,
  );
  return limited.map(({ delayMs }) => delayMs);
}

/** Gives each of these messages a time of its own, by the names that share a limit. */
async function spread(
  connection: pg.ClientBase,
  messages: Chosen[],
  nameOf: (message: Chosen) => string,
  rateOf: (provider: Provider) => number | null,
): Promise<void> {
  const groups = Map.groupBy(messages, nameOf);
  const counts = new Map(
    [...groups].map(([name, group]) => {
      const { breaker } = group[0] as Chosen;
      return [name, { count: group.length, perSecond: rateOf(breaker.provider) as number }];
    }),
  );
  const starts = await reserve(connection, counts);
  for (const [name, group] of groups) {
    const { perSecond } = counts.get(name) as { perSecond: number };
    group.forEach((message, index) => {
      message.delayMs = Math.max(0, (starts.get(name) as number) + (index * 1_000) / perSecond);
    });
  }
}

/**
 * Ends every lease at once. Only for a process that knows that no other one delivers from this database: whoever
 * held them is dead.
 */
export async function endLeases(pool: pg.Pool): Promise<void> {
  await pool.query(`update messages set next_attempt_at = statement_timestamp() where status = 'sending'`);
}
