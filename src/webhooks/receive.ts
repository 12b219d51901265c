import { ServiceError, UnavailableError } from '../errors.ts';
import type { Reserve } from '../openapi/types.ts';
import type { IncomingWebhook } from '../providers/webhook.ts';
import type { WebhookAccount } from '../providers/webhook-account.ts';
import type { AttemptOptions } from './attempt.ts';
import type { WebhookFault } from './fault.ts';
import { InboxFullError, keepWebhook, MAX_ENTRIES } from './inbox/inbox.ts';

export type ReceiveOptions = Pick<AttemptOptions, 'pool' | 'store' | 'process' | 'events' | 'onQuarantined'>;

export type Receive = (provider: WebhookAccount, webhook: IncomingWebhook, reserve: Reserve) => Promise<void>;

/**
 * Receives a verified webhook. Afterwards every effect is committed, or the webhook is stored whole: the provider gets a
 * success response, because providers drop or punish refused webhooks.
 *
 * @throws {UnavailableError} if the database is unavailable, the service is overloaded or the inbox of the account is full, so
 *   that the provider repeats the webhook.
 */
export async function receiveWebhook(
  options: ReceiveOptions,
  provider: WebhookAccount,
  webhook: IncomingWebhook,
  reserve: Reserve,
): Promise<void> {
  // A body that is too large or incomplete is an error of the request.
  await webhook.body();
  if (provider.webhookProcessing === 'inbox') return keep(options, provider, webhook, null);
  const { fault } = await options.process(provider, webhook, reserve);
  if (fault) await keep(options, provider, webhook, fault);
}

async function keep(
  { pool, store, events, onQuarantined }: ReceiveOptions,
  provider: WebhookAccount,
  webhook: IncomingWebhook,
  fault: WebhookFault | null,
): Promise<void> {
  const account = provider.name;
  try {
    const kept = await keepWebhook({ pool, store }, provider, webhook, fault);
    const { id, state, received_count: receivedCount } = kept;
    if (state === 'quarantined' && receivedCount === 1) onQuarantined();
    events.webhookKept({ account, id, state, receivedCount, reason: fault?.reason ?? null });
  } catch (error) {
    if (error instanceof InboxFullError) events.inboxFull({ account, limit: MAX_ENTRIES });
    if (error instanceof ServiceError) throw error;
    // The webhook is not stored, so the provider must repeat it.
    events.failed('webhook_inbox', error);
    throw new UnavailableError('The webhook could not be stored.', { cause: error });
  }
}
