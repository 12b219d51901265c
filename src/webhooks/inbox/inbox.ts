import { createHash } from 'node:crypto';
import type pg from 'pg';
import { storedFunction } from '../../db/functions.ts';
import { execute } from '../../db/transaction.ts';
import { UnavailableError } from '../../errors.ts';
import type { MediaStore, StoredObject } from '../../media/store.ts';
import type { IncomingWebhook } from '../../providers/webhook.ts';
import type { WebhookAccount } from '../../providers/webhook-account.ts';
import type { WebhookFault } from '../fault.ts';
import { storableHeaders } from '../secrets.ts';
import { isLarge, removeLargeBody, writeLargeBody } from './bodies.ts';
import type { InboxBytes } from './inbox-bytes.ts';

/** The channel of the notifications that the inbox has a pending webhook. */
export const WEBHOOKS_DUE = 'webhooks_due';

/** Max stored webhooks of one account; webhooks that arrive at the same time can exceed the limit by a few. */
export const MAX_ENTRIES = 10_000;
/** Max bytes of the stored webhooks of one account: large emails would fill the disk before they are `MAX_ENTRIES`. */
export const MAX_ACCOUNT_BYTES = 4_294_967_296;
/** A full inbox needs an operator, so the provider should not repeat its webhooks fast. */
const FULL_RETRY_AFTER_SECONDS = 60;

/** SQL: appends the event that the webhook `id` was quarantined. */
export function quarantineAdded(id: string): string {
  return `${storedFunction('append_events')}(array['quarantine.added'], array[${id}], array[null::bigint])`;
}

const KEEP = {
  name: 'keep-webhook',
  text: `
    with kept as (
      insert into webhook_inbox as entry (account, state, target, headers, body, digest, reason, detail, object_id, object_bytes, next_attempt_at)
      select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, case when $2 = 'pending' then statement_timestamp() end
      where exists (select from webhook_inbox where account = $1 and digest = $6)
        or not exists (
          select from webhook_inbox where account = $1 order by state, id offset ${MAX_ENTRIES - 1} limit 1)
      on conflict (account, digest) do update
        set received_count = entry.received_count + 1, last_received_at = statement_timestamp()
      returning id, state, received_count, object_id
    )
    select id, state, received_count, object_id,
      case
        when state = 'pending' then pg_notify('${WEBHOOKS_DUE}', '')
        when received_count = 1 then ${quarantineAdded('id')}
      end
    from kept`,
};

/** A redelivery of a stored webhook. */
const COUNT = {
  name: 'count-webhook',
  text: `
    update webhook_inbox set received_count = received_count + 1, last_received_at = statement_timestamp()
    where account = $1 and digest = $2
    returning id, state, received_count, object_id`,
};

/** An account has too many stored webhooks, or too many bytes of them. The provider gets 503, so that it repeats the webhook. */
export class InboxFullError extends UnavailableError {
  /** What the account has too much of. */
  readonly limit: { limit: number; unit: 'webhooks' | 'bytes' };

  constructor(unit: 'webhooks' | 'bytes') {
    super('The webhook inbox of this account is full.', { retryAfter: FULL_RETRY_AFTER_SECONDS });
    this.limit = { limit: unit === 'bytes' ? MAX_ACCOUNT_BYTES : MAX_ENTRIES, unit };
  }
}

export interface Kept {
  id: number;
  state: 'pending' | 'quarantined';
  /** The deliveries of this webhook, this one included. */
  received_count: number;
  /** The large body of the stored webhook; null if its row has the body. */
  object_id: string | null;
}

type KeptRow = Kept & pg.QueryResultRow;

/**
 * Stores a webhook whole, except headers that `parse` does not need. A redelivery of a stored webhook is counted only.
 *
 * @param fault the reason why the webhook was not processed; null if it was not tried.
 * @throws {InboxFullError} the account has `MAX_ENTRIES` stored webhooks, or `MAX_ACCOUNT_BYTES` of them.
 * @throws {UnavailableError} if the database is unavailable.
 */
export async function keepWebhook(
  { pool, store, inboxBytes }: { pool: pg.Pool; store: MediaStore; inboxBytes: InboxBytes },
  account: WebhookAccount,
  webhook: IncomingWebhook,
  fault: WebhookFault | null,
): Promise<Kept> {
  const body = await webhook.body();
  const digest = digestOf(webhook.target, body);
  const hasRoom = (await inboxBytes.of(account.name)) + body.length <= MAX_ACCOUNT_BYTES;
  if (!hasRoom || isLarge(body)) {
    const { rows } = await execute<KeptRow>(pool, COUNT, [account.name, digest]);
    if (rows[0]) return rows[0];
  }
  if (!hasRoom) throw new InboxFullError('bytes');
  const large = await writeLargeBody(store, body);
  try {
    const values = valuesOf(account, webhook, { body, large, digest }, fault);
    const { rows } = await execute<KeptRow>(pool, KEEP, values);
    if (!rows[0]) throw new InboxFullError('webhooks');
    inboxBytes.add(account.name, body.length);
    // The body of a redelivery is stored already.
    if (large && rows[0].object_id !== large.id) await removeLargeBody(store, large.id);
    return rows[0];
  } catch (error) {
    // If the row was stored without a response, it keeps the object.
    await removeLargeBody(store, large?.id);
    throw error;
  }
}

function valuesOf(
  { name, webhookHeaders }: WebhookAccount,
  { target, headers }: IncomingWebhook,
  { body, large, digest }: { body: Buffer; large: StoredObject | null; digest: Buffer },
  fault: WebhookFault | null,
): unknown[] {
  return [
    name,
    fault?.isPermanent ? 'quarantined' : 'pending',
    target,
    JSON.stringify(storableHeaders(headers, webhookHeaders)),
    large ? null : body,
    digest,
    fault?.reason ?? null,
    fault?.message ?? null,
    large?.id ?? null,
    large?.size ?? null,
  ];
}

function digestOf(target: string, body: Buffer): Buffer {
  return createHash('sha256').update(`${target}\n`).update(body).digest();
}
