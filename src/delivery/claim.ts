import type pg from 'pg';
import type { Delivery } from '../db/models/delivery.ts';
import { execute } from '../db/pools.ts';
import type { Outgoing } from '../providers/provider.ts';
import { type Breaker, isRetry, type Room } from './accounts/breaker.ts';
import type { Lane } from './accounts/routing.ts';

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
  /** Another provider of the channel failed for the message before. */
  failedOver: boolean;
}

/** One statement, one round trip, one commit: the function is in the migrations. */
const CLAIM = { name: 'claim-deliveries', text: 'select * from claim_deliveries($1, $2, $3, $4)' };

/** Milliseconds until the first message of any of these lanes, or the first scheduled one, is due. */
const FIRST_DUE = {
  name: 'first-due',
  text: `
    select extract(epoch from min(due.at) - statement_timestamp())::float8 * 1000 as in_ms
    from (
      select first.next_attempt_at as at
      from unnest($1::text[], $2::text[]) as lane(channel, held_by)
      cross join (values (false), (true)) as kind(is_retry)
      cross join lateral (
        select next_attempt_at from deliveries
        where channel = lane.channel and coalesce(provider, '') = lane.held_by
          and (attempt_count > 0) = kind.is_retry and next_attempt_at > statement_timestamp() and pending
        order by next_attempt_at limit 1
      ) as first
      union all (
        select next_attempt_at from deliveries where status = 'scheduled' and next_attempt_at is not null
        order by next_attempt_at limit 1)
    ) as due`,
};

/**
 * Takes up to `room` messages that are due, for `leaseMs` milliseconds, within the limits that all workers keep
 * together. Committed when it returns: a worker that dies costs its messages one lease.
 */
export async function claim(pool: pg.Pool, lanes: Lane[], room: Room, leaseMs: number): Promise<Claim[]> {
  const rooms = new Map(lanes.map(({ breaker }) => [breaker, breaker.room()]));
  if ([...rooms.values()].every(({ calls }) => calls === 0)) return [];
  const { rows } = await execute<Claimed & { lane: number; hold_ms: number }>(pool, CLAIM, [
    JSON.stringify(lanes.map((lane, index) => toRow(lane, index + 1, rooms.get(lane.breaker) as Room))),
    room.calls,
    room.retries,
    leaseMs,
  ]);
  const claims = rows.map(({ lane, hold_ms, ...message }) => {
    const { breaker, isFirst } = lanes[lane - 1] as Lane;
    return { message, breaker, failedOver: hasFailedOver(isFirst, message), delayMs: hold_ms };
  });
  for (const breaker of new Set(claims.map((claimed) => claimed.breaker))) breaker.claimed();
  return claims;
}

/**
 * Whether another provider failed for the message before. A message that may have been sent stays with one provider;
 * any other retry at a provider that is not the first of the channel had an attempt with a provider before it.
 */
export function hasFailedOver(
  isFirst: boolean,
  message: Pick<Claimed, 'attempt_count' | 'may_have_been_sent'>,
): boolean {
  return !isFirst && isRetry(message) && !message.may_have_been_sent;
}

function toRow({ channel, heldBy, movable, breaker }: Lane, n: number, room: Room) {
  const { name, perSecond, perSecondPerSender } = breaker.provider;
  const order = breaker.order();
  return {
    ...{ n, channel, held_by: heldBy, movable, provider: name },
    ...{ room: room.calls, retries: room.retries, first: order.first, newest_first: order.newestFirst },
    ...{ per_second: perSecond, per_second_per_sender: perSecondPerSender },
  };
}

/** Milliseconds until something is due that is not yet; null where nothing will be. */
export async function firstDue(pool: pg.Pool, lanes: Lane[]): Promise<number | null> {
  const { rows } = await pool.query<{ in_ms: number | null }>(FIRST_DUE, [
    lanes.map(({ channel }) => channel),
    lanes.map(({ heldBy }) => heldBy),
  ]);
  return rows[0]?.in_ms ?? null;
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
