import type pg from 'pg';
import { storedFunction } from '../db/functions.ts';
import type { Delivery } from '../db/models/delivery.ts';
import type { Email } from '../db/models/email.ts';
import type { Message } from '../db/models/message.ts';
import { execute } from '../db/transaction.ts';
import type { LookedUp } from '../providers/outgoing.ts';
import type { Routable, StoredFile } from '../providers/routable.ts';
import type { Breaker, FreeSlots } from './accounts/breaker.ts';
import { isRetry } from './accounts/call.ts';
import { leaseOf } from './accounts/lease.ts';
import type { Route } from './accounts/routing.ts';

/** A message that this worker may send until the lease ends. */
export type Claimed = LookedUp &
  Pick<Routable, 'attachments' | 'segments'> &
  Pick<Message, 'traceparent'> & {
    /** The files of `media_ids`; null if there are none. */
    media: readonly ClaimedFile[] | null;
    /** The files that an earlier attempt has fetched from URLs in `attachments`; null if there are none. */
    fetched: readonly FetchedFile[] | null;
    /** Null for a text, and for an email of a version without these parts. */
    email: ClaimedEmail | null;
  } & Pick<
    Delivery,
    | 'conversation_id'
    | 'attempt_count'
    | 'retry_count'
    | 'may_have_been_sent'
    | 'created_at'
    | 'send_at'
    | 'expires_at'
  > & {
    /** Whether a provider accepted the message for some of its recipients: only the others remain, at the same account. */
    partly_sent: boolean;
    /** The time from the claim to the end of its lease, in milliseconds. */
    lease_ms: number;
  };

/** A stored file, with its name and content id in this message. */
export interface ClaimedFile extends StoredFile {
  object_id: string;
  name: string | null;
  content_id: string | null;
}

/** A stored file that was fetched from a URL. */
export type FetchedFile = Omit<ClaimedFile, 'id' | 'content_id'> & {
  /** The position of the URL in `attachments`, from 1. */
  number: number;
};

/** The parts of an email, with its thread. */
export type ClaimedEmail = Pick<
  Email,
  'is_html' | 'text' | 'headers' | 'names' | 'url_files' | 'internet_message_id'
> & {
  /** The Message-ID on the wire of the email that this email answers; null for none. */
  in_reply_to: string | null;
  /** For `References`, oldest first; null for none. */
  reference_ids: string[] | null;
};

export interface Claim {
  message: Claimed;
  breaker: Breaker;
  /** The delay before the call, in milliseconds. */
  delayMs: number;
  /** The time after the commit of the claim, by `performance.now()`. */
  claimedAt: number;
}

const CLAIM = {
  name: 'claim-deliveries',
  text: `select * from ${storedFunction('claim_deliveries')}($1, $2, $3)`,
};

/**
 * Milliseconds until the first message of the routes or the first scheduled message is due, or the rate limit of a waiting
 * account allows a claim, which is 250 ms before the call (claim_deliveries).
 */
const FIRST_DUE = {
  name: 'first-due',
  text: `
    select extract(epoch from min(due.at) - statement_timestamp())::float8 * 1000 as in_ms
    from (
      select first.next_attempt_at as at
      from unnest($1::text[], $2::text[]) as route(channel, assigned_to)
      cross join (values (false), (true)) as kind(is_retry)
      cross join lateral (
        select next_attempt_at from deliveries
        where channel = route.channel and coalesce(provider, '') = route.assigned_to
          and (attempt_count > 0) = kind.is_retry and next_attempt_at > statement_timestamp() and pending
        order by next_attempt_at limit 1
      ) as first
      union all (
        select next_attempt_at from deliveries where status = 'scheduled' and next_attempt_at is not null
        order by next_attempt_at limit 1)
      union all
      select claimable.at
      from unnest($3::text[], $4::boolean[]) as account(name, is_limited) join rate_limit_slots using (name)
      cross join lateral (
        select next_at - case when is_limited then interval '250 milliseconds' else interval '0' end as at
      ) as claimable
      where claimable.at > statement_timestamp()
    ) as due`,
};

/**
 * Claims at most `free` due messages, within the rate limits that all workers share. The claim is committed before it returns, so a
 * dead worker delays its messages by at most one lease.
 */
export async function claim(pool: pg.Pool, routes: Route[], free: FreeSlots): Promise<Claim[]> {
  const freeSlots = new Map(routes.map(({ breaker }) => [breaker, breaker.freeSlots()]));
  if ([...freeSlots.values()].every(({ calls }) => calls === 0)) return [];
  const { rows } = await execute<Claimed & { route: number; delay_ms: number }>(pool, CLAIM, [
    JSON.stringify(
      routes.map((route, index) => toRow(route, index + 1, freeSlots.get(route.breaker) as FreeSlots)),
    ),
    free.calls,
    free.retries,
  ]);
  const claimedAt = performance.now();
  const claims = rows.map(({ route, delay_ms, ...message }) => {
    const { breaker } = routes[route - 1] as Route;
    return { message, breaker, delayMs: delay_ms, claimedAt };
  });
  for (const breaker of new Set(claims.map((claimed) => claimed.breaker))) breaker.claimed();
  return claims;
}

/**
 * Whether another account failed for the message before. A message that may have been sent, or is partly sent, stays with one account; any
 * other retry at an account that is not the first that can send the message had an attempt at an earlier account.
 */
export function hasFailedOver(
  isFirst: boolean,
  message: Pick<Claimed, 'attempt_count' | 'may_have_been_sent' | 'partly_sent'>,
): boolean {
  return !isFirst && isRetry(message) && !message.may_have_been_sent && !message.partly_sent;
}

function toRow({ channel, assignedTo, reassignable, preferred, breaker }: Route, n: number, free: FreeSlots) {
  const { name, perSecond, perSecondPerSender } = breaker.provider;
  const order = breaker.order();
  return {
    ...{ n, channel, assigned_to: assignedTo, reassignable, preferred, provider: name },
    ...{ free_slots: free.calls, retries: free.retries, first: order.first, newest_first: order.newestFirst },
    ...{ per_second: perSecond, per_second_per_sender: perSecondPerSender },
    ...leaseOf(breaker.provider),
  };
}

/** Milliseconds until the next message is due or may be claimed within a rate limit; null if none of these is waiting. */
export async function firstDue(pool: pg.Pool, routes: Route[]): Promise<number | null> {
  const accounts = [...new Set(routes.map(({ breaker }) => breaker.provider))];
  const { rows } = await pool.query<{ in_ms: number | null }>(FIRST_DUE, [
    routes.map(({ channel }) => channel),
    routes.map(({ assignedTo }) => assignedTo),
    accounts.map(({ name }) => name),
    accounts.map(({ perSecond }) => perSecond !== null),
  ]);
  return rows[0]?.in_ms ?? null;
}

/** Ends all leases. May be called only if no process delivers from this database, so that all leases are of dead workers. */
export async function endLeases(pool: pg.Pool): Promise<void> {
  await pool.query(
    `update deliveries set next_attempt_at = statement_timestamp() where pending and status = 'sending'`,
  );
}
