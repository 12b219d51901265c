import type { Registry } from 'prom-client';
import { createInboxMetrics, type InboxLength, REMOVED, registerInbox } from './inbox-metrics.ts';
import type { Logger } from './logger.ts';

/** The events of webhooks and of their inbox. No line has the content of a webhook. */
export interface InboxEvents {
  /** The sender of a webhook is not verified. `account` is a configured account or a label for all others. */
  webhookUnverified(webhook: { account: string; reason: string; log: boolean }): void;
  /** A verified webhook was stored instead of being processed. */
  webhookKept(webhook: StoredWebhook & { state: string; receivedCount: number }): void;
  /** The worker or a replay has processed a stored webhook, or has failed to (the next state is the result). */
  webhookAttempted(webhook: StoredWebhook & { result: 'processed' | 'pending' | 'quarantined' }): void;
  /** A verified webhook got 503, because the account has `limit` stored webhooks, or bytes of them. */
  inboxFull(inbox: { account: string; limit: number; unit: 'webhooks' | 'bytes' }): void;
  /** A verified webhook says something that the operator must know. */
  webhookNotice(webhook: { account: string; notice: string }): void;
  webhookDeleted(webhook: Omit<StoredWebhook, 'reason'>): void;
  /** Measures the inbox of these accounts whenever the metrics are read. */
  watchInbox(accounts: readonly string[], measure: () => Promise<InboxLength[]>): void;
}

interface StoredWebhook {
  account: string;
  /** The id in the inbox. */
  id: number;
  reason: string | null;
}

export function createInboxEvents(logger: Logger, registry: Registry): InboxEvents {
  const metrics = createInboxMetrics(registry);
  return {
    webhookUnverified: ({ log, ...webhook }) => {
      metrics.unverified.inc(webhook);
      if (log) logger.warn(webhook, 'webhook not verified');
    },
    webhookKept: ({ state, receivedCount, ...webhook }) => {
      metrics.kept.inc({ account: webhook.account, state });
      const level = state === 'quarantined' && receivedCount === 1 ? 'warn' : 'debug';
      logger[level](
        { ...webhook, receivedCount },
        state === 'quarantined' ? 'webhook quarantined' : 'webhook kept',
      );
    },
    webhookAttempted: ({ result, ...webhook }) => {
      const account = webhook.reason === 'account_removed' ? REMOVED : webhook.account;
      metrics.attempts.inc({ account, result });
      if (result === 'quarantined') logger.warn(webhook, 'webhook quarantined');
      else logger.debug({ ...webhook, result }, 'stored webhook attempted');
    },
    inboxFull: (inbox) => {
      metrics.full.inc({ account: inbox.account });
      logger.error(inbox, 'webhook inbox full');
    },
    webhookNotice: (webhook) => logger.warn(webhook, 'notice of a provider'),
    webhookDeleted: (webhook) => logger.info(webhook, 'stored webhook deleted'),
    watchInbox: (accounts, measure) => registerInbox(registry, accounts, measure),
  };
}
