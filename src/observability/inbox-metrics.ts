import { Counter, type Gauge, type Registry } from 'prom-client';
import { registerMeasured } from './measured-gauges.ts';

/** The webhooks of one account and state in the inbox. */
export interface InboxLength {
  account: string;
  state: string;
  webhooks: number;
  /** Age of the oldest webhook, in seconds since it was received. */
  oldest_seconds: number;
}

const STATES = ['pending', 'quarantined'];
/** The label of all accounts that are not configured any more. */
export const REMOVED = '(removed)';

export function createInboxMetrics(registry: Registry) {
  const registers = [registry];
  const unverified = new Counter({
    name: 'messaging_webhooks_unverified_total',
    help: 'Webhooks that were refused because their sender is not verified, by the reason.',
    labelNames: ['account', 'reason'],
    registers,
  });
  const kept = new Counter({
    name: 'messaging_webhooks_kept_total',
    help: 'Verified webhooks that were stored in the inbox, redeliveries included, by the state of the stored webhook.',
    labelNames: ['account', 'state'],
    registers,
  });
  const attempts = new Counter({
    name: 'messaging_webhook_inbox_attempts_total',
    help: 'Attempts to process a stored webhook, by the worker or by a replay, and their results.',
    labelNames: ['account', 'result'],
    registers,
  });
  const full = new Counter({
    name: 'messaging_webhook_inbox_full_total',
    help: 'Verified webhooks that got 503, because the inbox of the account is full.',
    labelNames: ['account'],
    registers,
  });
  return { unverified, kept, attempts, full };
}

/** @param accounts the configured accounts: the labels are from a closed set. */
export function registerInbox(
  registry: Registry,
  accounts: readonly string[],
  measure: () => Promise<InboxLength[]>,
): void {
  const gauge = (name: string, help: string, value: (lengths: InboxLength[]) => number) => ({
    ...{ name, help, labelNames: ['account', 'state'] },
    set: (each: Gauge, lengths: InboxLength[]) => {
      for (const account of [...accounts, REMOVED])
        for (const state of STATES) {
          const isOf = (length: InboxLength) =>
            length.state === state && accountLabel(accounts, length.account) === account;
          each.set({ account, state }, value(lengths.filter(isOf)));
        }
    },
  });
  registerMeasured(registry, measure, [
    gauge(
      'messaging_webhook_inbox_webhooks',
      'Stored webhooks in the database: pending, or quarantined until they are replayed or deleted.',
      (lengths) => lengths.reduce((sum, { webhooks }) => sum + webhooks, 0),
    ),
    gauge(
      'messaging_webhook_inbox_oldest_seconds',
      'Age of the oldest stored webhook, in seconds since it was received.',
      (lengths) => Math.max(0, ...lengths.map(({ oldest_seconds }) => oldest_seconds)),
    ),
  ]);
}

function accountLabel(accounts: readonly string[], account: string): string {
  return accounts.includes(account) ? account : REMOVED;
}
