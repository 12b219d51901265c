import type pg from 'pg';
import type { Channel } from '../config.ts';
import { transaction } from '../db/connect.ts';
import type { Delivery } from '../db/models/delivery.ts';
import type { Outgoing } from '../providers/provider.ts';
import type { Breaker } from './breaker.ts';
import type { Lane } from './lanes.ts';
import { type Candidate, withinLimits } from './limits.ts';
import { HOLD_MS, readSlots, slotsWithin, type Waits } from './slots.ts';

/** A message in this worker's hands until its lease ends. */
export type Claimed = Outgoing &
  Pick<
    Delivery,
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

type Due = Omit<Candidate, 'breaker'> & { lane: number };

/** Exported for its tests. */
export const FIND_DUE = {
  name: 'find-due',
  text: `
    select messages.id, messages."from", lane.n::int as lane, due.slot_ago_ms
    from unnest($1::text[], $2::text[], $3::boolean[], $4::int[]) with ordinality
      as lane(channel, held_by, movable, room, n)
    cross join lateral (
      select message_id, next_attempt_at,
        extract(epoch from statement_timestamp() - sender_slot_at)::float8 * 1000 as slot_ago_ms
      from deliveries
      where channel = lane.channel and coalesce(provider, '') = lane.held_by
        and next_attempt_at <= statement_timestamp() and pending
        and (not lane.movable or (status = 'queued' and not may_have_been_sent))
        and (status = 'sending' or expires_at > statement_timestamp())
      order by next_attempt_at limit lane.room
      for update skip locked
    ) as due
    join messages on messages.id = due.message_id
    order by lane.n, due.next_attempt_at, messages.id`,
};

const TAKE = {
  name: 'take-messages',
  text: `
    update deliveries
    set status = 'sending',
        next_attempt_at = statement_timestamp() + $3::float8 * interval '1 millisecond',
        attempt_count = attempt_count + 1,
        -- Whoever had it before did not say how it ended.
        may_have_been_sent = may_have_been_sent or status = 'sending',
        provider = taken.provider, sender_slot_at = null, updated_at = statement_timestamp()
    from unnest($1::bigint[], $2::text[]) as taken(id, provider) join messages using (id)
    where deliveries.message_id = taken.id
    returning messages.id, messages.conversation_id, type, "from", "to", cc, bcc, reply_to, subject, body, attachments,
      "timestamp", delivery_key, attempt_count, retry_count, may_have_been_sent, messages.created_at, send_at, expires_at`,
};

/** Milliseconds until the first message of any of these lanes, or the first scheduled one, is due. */
const FIRST_DUE = {
  name: 'first-due',
  text: `
    select extract(epoch from min(due.at) - statement_timestamp())::float8 * 1000 as in_ms
    from (
      select first.next_attempt_at as at
      from unnest($1::text[], $2::text[]) as lane(channel, held_by)
      cross join lateral (
        select next_attempt_at from deliveries
        where channel = lane.channel and coalesce(provider, '') = lane.held_by
          and next_attempt_at > statement_timestamp() and pending
        order by next_attempt_at limit 1
      ) as first
      union all (
        select next_attempt_at from deliveries where status = 'scheduled' and next_attempt_at is not null
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
    const ready = await withinLimits(connection, choose(rows, lanes, rooms, room));
    if (ready.length === 0) return [];
    const { rows: taken } = await connection.query<Claimed>(TAKE, [
      ready.map(({ id }) => id),
      ready.map(({ breaker }) => breaker.provider.name),
      leaseMs + HOLD_MS,
    ]);
    const messages = new Map(taken.map((message) => [message.id, message]));
    return ready.map(({ id, breaker, delayMs }) => ({
      message: messages.get(id) as Claimed,
      breaker,
      delayMs,
    }));
  });
}

/** Milliseconds until something is due that is not yet; null where nothing will be. */
export async function firstDue(pool: pg.Pool, lanes: Lane[]): Promise<number | null> {
  const { rows } = await pool.query<{ in_ms: number | null }>(FIRST_DUE, columnsOf(lanes));
  return rows[0]?.in_ms ?? null;
}

function columnsOf(lanes: Lane[]): [Channel[], string[]] {
  return [lanes.map(({ channel }) => channel), lanes.map(({ heldBy }) => heldBy)];
}

/** How many messages each provider may be given now. */
function roomsOf(lanes: Lane[], waits: Waits, room: number): Map<Breaker, number> {
  const roomOf = ({ room: allowed, provider }: Breaker) =>
    Math.min(room, allowed(), slotsWithin(waits.get(provider.name) as number, provider.perSecond));
  return new Map(lanes.map(({ breaker }) => [breaker, roomOf(breaker)]));
}

/** Each message once, by the first lane that it is in, and no more for a provider than it may be given. */
function choose(rows: Due[], lanes: Lane[], rooms: Map<Breaker, number>, room: number): Candidate[] {
  const left = new Map(rooms);
  const chosen = new Map<number, Candidate>();
  for (const row of rows) {
    const { breaker } = lanes[row.lane - 1] as Lane;
    const allowed = left.get(breaker) as number;
    if (allowed === 0 || chosen.has(row.id) || chosen.size === room) continue;
    left.set(breaker, allowed - 1);
    chosen.set(row.id, { ...row, breaker });
  }
  return [...chosen.values()];
}

/**
 * Ends every lease at once. Only for a process that knows that no other one delivers from this database: whoever
 * held them is dead.
 */
export async function endLeases(pool: pg.Pool): Promise<void> {
  await pool.query(
    `update deliveries set next_attempt_at = statement_timestamp() where pending and status = 'sending'`,
  );
}
