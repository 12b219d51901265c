import { ServiceError, UnavailableError } from '../errors.ts';
import type { Reserve } from '../openapi/types.ts';
import type { IncomingWebhook } from '../providers/webhook.ts';
import type { WebhookAccount } from '../providers/webhook-account.ts';
import type { AttemptOptions } from './attempt.ts';
import type { WebhookFault } from './fault.ts';
import { InboxFullError, keepWebhook } from './inbox/inbox.ts';
import type { InboxBytes } from './inbox/inbox-bytes.ts';

export interface ReceiveOptions
  extends Pick<AttemptOptions, 'pool' | 'store' | 'process' | 'events' | 'onQuarantined'> {
  inboxBytes: InboxBytes;
}

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
  { pool, store, inboxBytes, events, onQuarantined }: ReceiveOptions,
  provider: WebhookAccount,
  webhook: IncomingWebhook,
  fault: WebhookFault | null,
): Promise<void> {
  const account = provider.name;
  try {
    const kept = await keepWebhook({ pool, store, inboxBytes }, provider, webhook, fault);
    const { id, state, received_count: receivedCount } = kept;
    if (state === 'quarantined' && receivedCount === 1) onQuarantined();
    events.webhookKept({ account, id, state, receivedCount, reason: fault?.reason ?? null });
  } catch (error) {
    if (error instanceof InboxFullError) events.inboxFull({ account, ...error.limit });
    if (error instanceof ServiceError) throw error;
    // The webhook is not stored, so the provider must repeat it.
    events.failed('webhook_inbox', error);
    throw new UnavailableError('The webhook could not be stored.', { cause: error });
  }
}
