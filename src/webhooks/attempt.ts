import type pg from 'pg';
import type { MediaStore } from '../media/store.ts';
import type { Events } from '../observability/events.ts';
import type { Reserve } from '../openapi/types.ts';
import { IncomingWebhook } from '../providers/webhook.ts';
import type { WebhookAccount } from '../providers/webhook-account.ts';
import { WebhookFault } from './fault.ts';
import { readBody, removeLargeBody } from './inbox/bodies.ts';
import { completeWebhook, failWebhook, type Leased, MAX_ATTEMPTS, releaseWebhook } from './inbox/lease.ts';
import type { Processed, ProcessWebhook } from './process.ts';

export interface AttemptOptions {
  pool: pg.Pool;
  /** The bodies of large webhooks. */
  store: MediaStore;
  /** The account that received a stored webhook; undefined if it is not configured any more. */
  accountOf: (stored: Pick<Leased, 'account' | 'target'>) => WebhookAccount | undefined;
  publicUrl: string | null;
  process: ProcessWebhook;
  events: Events;
  /** Called after the commit of the event that a webhook was quarantined. */
  onQuarantined: () => void;
}

/**
 * Processes a leased webhook. Removes the webhook if every effect is committed; otherwise ends its lease with the reason.
 *
 * @throws {UnavailableError} if the database is unavailable; the attempt does not count.
 */
export async function attemptWebhook(
  options: AttemptOptions,
  leased: Leased,
  reserve: Reserve,
): Promise<Processed> {
  const { pool, store, accountOf, publicUrl, process, events, onQuarantined } = options;
  const account = accountOf(leased);
  const { headers, target, id } = leased;
  const webhook = new IncomingWebhook({
    headers,
    target,
    publicUrl,
    readBody: () => readBody(store, leased),
  });
  try {
    const processed = account
      ? await process(account, webhook, reserve)
      : without(new WebhookFault('account_removed', 'The account is not configured any more.'));
    const { fault } = processed;
    const state = fault ? await failWebhook(pool, leased, fault) : await completeWebhook(pool, leased);
    if (!fault) await removeLargeBody(store, leased.object_id);
    const result = state ?? 'processed';
    if (result === 'quarantined') onQuarantined();
    events.webhookAttempted({ account: leased.account, id, result, reason: fault?.reason ?? null });
    return processed;
  } catch (error) {
    // Without a connection, the lease ends by itself.
    await releaseWebhook(pool, leased).catch(() => undefined);
    throw error;
  }
}

/** Quarantines a webhook whose last attempts ended without a result, because their workers died. */
export async function abandonWebhook(
  { pool, events, onQuarantined }: AttemptOptions,
  leased: Leased,
): Promise<void> {
  const { account, id } = leased;
  const detail = `The worker ended unexpectedly during the last of ${MAX_ATTEMPTS} attempts.`;
  const fault = new WebhookFault('worker_lost', detail);
  const result = await failWebhook(pool, leased, fault);
  if (result === 'quarantined') onQuarantined();
  events.webhookAttempted({ account, id, result, reason: fault.reason });
}

function without(fault: WebhookFault): Processed {
  return { messages: [], receipts: [], fault };
}
