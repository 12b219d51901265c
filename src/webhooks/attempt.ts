import type pg from 'pg';
import type { Events } from '../observability/events.ts';
import type { Reserve } from '../openapi/types.ts';
import type { Provider } from '../providers/provider.ts';
import { IncomingWebhook } from '../providers/webhook.ts';
import { WebhookFault } from './fault.ts';
import { completeWebhook, failWebhook, type Leased, MAX_ATTEMPTS, releaseWebhook } from './lease.ts';
import type { Processed, ProcessWebhook } from './process.ts';

export interface AttemptOptions {
  pool: pg.Pool;
  /** The configured accounts. */
  accounts: Provider[];
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
  { pool, accounts, publicUrl, process, events, onQuarantined }: AttemptOptions,
  leased: Leased,
  reserve: Reserve,
): Promise<Processed> {
  const provider = accounts.find(({ name }) => name === leased.account);
  const { headers, target, body, id } = leased;
  const webhook = new IncomingWebhook({ headers, target, publicUrl, readBody: async () => body });
  try {
    const processed = provider
      ? await process(provider, webhook, reserve)
      : without(new WebhookFault('account_removed', 'The account is not configured any more.'));
    const { fault } = processed;
    const state = fault ? await failWebhook(pool, leased, fault) : await completeWebhook(pool, leased);
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
