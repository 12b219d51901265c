import type { IncomingHttpHeaders } from 'node:http';
import type pg from 'pg';
import { execute } from '../../db/transaction.ts';
import { doubled, jittered } from '../../outbox/backoff.ts';
import type { WebhookFault } from '../fault.ts';
import type { KeptBody } from './bodies.ts';
import { quarantineAdded } from './inbox.ts';

/** A stored webhook that one worker or one replay processes until the end of its lease. */
export interface Leased extends KeptBody {
  id: number;
  account: string;
  state: 'pending' | 'quarantined';
  target: string;
  headers: IncomingHttpHeaders;
  /** The number of this attempt, which identifies the lease. */
  attempts: number;
}

/** Longer than an attempt takes; if it takes longer, another attempt applies the same effects again. */
const LEASE_SECONDS = 60;
const LARGE_LEASE_SECONDS = 300;
/** After this number of attempts, a pending webhook is quarantined. */
export const MAX_ATTEMPTS = 10;
const FIRST_DELAY_MS = 2_000;
const MAX_DELAY_MS = 600_000;

const COLUMNS = 'entry.id, account, state, target, headers, body, object_id, object_bytes, attempts';
const LEASE = `leased = true, attempts = attempts + 1,
  next_attempt_at = statement_timestamp()
    + case when object_id is null then ${LEASE_SECONDS} else ${LARGE_LEASE_SECONDS} end * interval '1 second'`;

const CLAIM = {
  name: 'claim-webhooks',
  text: `
    update webhook_inbox as entry set ${LEASE}
    from (
      select id from webhook_inbox
      where state = 'pending' and next_attempt_at <= statement_timestamp() and (object_id is not null) = $2
      order by next_attempt_at limit $1 for update skip locked
    ) as due
    where entry.id = due.id returning ${COLUMNS}`,
};

/** SQL: whether a worker or a replay processes the webhook. */
export const IN_PROGRESS = 'leased and next_attempt_at > statement_timestamp()';

const LEASE_ONE = {
  name: 'lease-webhook',
  text: `update webhook_inbox as entry set ${LEASE} where id = $1 and not (${IN_PROGRESS}) returning ${COLUMNS}`,
};

const COMPLETE = {
  name: 'complete-webhook',
  text: 'delete from webhook_inbox where id = $1 and attempts = $2',
};

/** A quarantined webhook keeps the reason of its quarantine. */
const FAIL = {
  name: 'fail-webhook',
  text: `
    with failed as (
      select id, state from webhook_inbox where id = $1 and attempts = $2 for update
    ), changed as (
      update webhook_inbox as entry
      set leased = false, state = $3,
          reason = case when entry.state = 'quarantined' then entry.reason else $4 end,
          detail = case when entry.state = 'quarantined' then entry.detail else $5 end,
          next_attempt_at = case when $3 = 'pending' then statement_timestamp() + $6 * interval '1 millisecond' end
      from failed where entry.id = failed.id
    )
    select ${quarantineAdded('id')} from failed where state = 'pending' and $3 = 'quarantined'`,
};

/** The attempt does not count. */
const RELEASE = {
  name: 'release-webhook',
  text: `
    update webhook_inbox
    set leased = false, attempts = attempts - 1,
        next_attempt_at = case when state = 'pending' then statement_timestamp() + interval '5 seconds' end
    where id = $1 and attempts = $2`,
};

/**
 * Claims pending webhooks that are due, the oldest first. Several workers never claim the same webhook.
 *
 * @param areLarge whether their bodies are in the media store.
 */
export async function claimWebhooks(pool: pg.Pool, limit: number, areLarge: boolean): Promise<Leased[]> {
  return (await execute<Leased & pg.QueryResultRow>(pool, CLAIM, [limit, areLarge])).rows;
}

/** Leases one webhook in any state; undefined if it does not exist or is being processed. */
export async function leaseWebhook(pool: pg.Pool, id: number): Promise<Leased | undefined> {
  return (await execute<Leased & pg.QueryResultRow>(pool, LEASE_ONE, [id])).rows[0];
}

/** Removes a webhook whose effects are committed. */
export async function completeWebhook(pool: pg.Pool, { id, attempts }: Leased): Promise<void> {
  await execute(pool, COMPLETE, [id, attempts]);
}

/** Ends the lease of a webhook that was not processed, and returns its next state. */
export async function failWebhook(
  pool: pg.Pool,
  { id, attempts, state }: Leased,
  { isPermanent, reason, message }: WebhookFault,
): Promise<Leased['state']> {
  const next = state === 'quarantined' || isPermanent || attempts >= MAX_ATTEMPTS ? 'quarantined' : 'pending';
  const delayMs = jittered(doubled(FIRST_DELAY_MS, attempts - 1, MAX_DELAY_MS), Math.random());
  await execute(pool, FAIL, [id, attempts, next, reason, message, delayMs]);
  return next;
}

/** Ends the lease of a webhook that could not be tried, because the database was unavailable. */
export async function releaseWebhook(pool: pg.Pool, { id, attempts }: Leased): Promise<void> {
  await execute(pool, RELEASE, [id, attempts]);
}

/** Ends all leases. May be called only if no other process uses this database. */
export async function endWebhookLeases(pool: pg.Pool): Promise<void> {
  await pool.query(`
    update webhook_inbox set leased = false, next_attempt_at = case when state = 'pending' then statement_timestamp() end
    where leased`);
}
