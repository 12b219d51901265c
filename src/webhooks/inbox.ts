import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type pg from 'pg';
import { execute } from '../db/transaction.ts';
import type { IncomingWebhook } from '../providers/webhook.ts';
import type { WebhookFault } from './fault.ts';

/** The channel of the notifications that the inbox has a pending webhook. */
export const WEBHOOKS_DUE = 'webhooks_due';

/** Headers that may contain credentials. A signature is no credential. */
const SECRET_HEADER = /auth|cookie|token|secret|password|credential|session|apikey|(?:^|[-_])key(?:[-_]|$)/i;

const KEEP = {
  name: 'keep-webhook',
  text: `
    with kept as (
      insert into webhook_inbox as entry (account, state, target, headers, body, digest, reason, detail, next_attempt_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8, case when $2 = 'pending' then statement_timestamp() end)
      on conflict (account, digest) do update
        set received_count = entry.received_count + 1, last_received_at = statement_timestamp()
      returning id, state, received_count
    )
    select id, state, received_count, case when state = 'pending' then pg_notify('${WEBHOOKS_DUE}', '') end from kept`,
};

export interface Kept {
  id: number;
  state: 'pending' | 'quarantined';
  /** The deliveries of this webhook, this one included. */
  received_count: number;
}

/**
 * Stores a webhook whole, except headers that may contain credentials. A redelivery of a stored webhook is counted only.
 *
 * @param fault the reason why the webhook was not processed; null if it was not tried.
 * @throws {UnavailableError} if the database is unavailable.
 */
export async function keepWebhook(
  pool: pg.Pool,
  account: string,
  webhook: IncomingWebhook,
  fault: WebhookFault | null,
): Promise<Kept> {
  const body = await webhook.body();
  const { rows } = await execute<Kept & pg.QueryResultRow>(pool, KEEP, [
    account,
    fault?.isPermanent ? 'quarantined' : 'pending',
    webhook.target,
    JSON.stringify(withoutSecrets(webhook.headers)),
    body,
    digestOf(webhook.target, body),
    fault?.reason ?? null,
    fault?.message ?? null,
  ]);
  return rows[0] as Kept;
}

function digestOf(target: string, body: Buffer): Buffer {
  return createHash('sha256').update(`${target}\n`).update(body).digest();
}

function withoutSecrets(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !SECRET_HEADER.test(name)));
}
