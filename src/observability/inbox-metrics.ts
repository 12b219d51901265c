import { Counter, Gauge, type Registry } from 'prom-client';

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

/**
 * Measures the inbox whenever the metrics are read; without a database, its metrics are left out.
 *
 * @param accounts the configured accounts: the labels are from a closed set.
 */
export function registerInbox(
  registry: Registry,
  accounts: readonly string[],
  measure: () => Promise<InboxLength[]>,
): void {
  // Each gauge measures by itself, because the registry reads all gauges at the same time. `measure` shares its result.
  const register = (name: string, help: string, measured: (lengths: InboxLength[]) => number) =>
    new Gauge({
      ...{ name, help, labelNames: ['account', 'state'], registers: [registry] },
      async collect() {
        const lengths = await measure().catch(() => null);
        this.reset();
        for (const account of lengths === null ? [] : [...accounts, REMOVED])
          for (const state of STATES) {
            const isOf = (each: InboxLength) =>
              each.state === state && accountLabel(accounts, each.account) === account;
            this.set({ account, state }, measured((lengths ?? []).filter(isOf)));
          }
      },
    });
  register(
    'messaging_webhook_inbox_webhooks',
    'Stored webhooks in the database: pending, or quarantined until they are replayed or deleted.',
    (lengths) => lengths.reduce((sum, { webhooks }) => sum + webhooks, 0),
  );
  register(
    'messaging_webhook_inbox_oldest_seconds',
    'Age of the oldest stored webhook, in seconds since it was received.',
    (lengths) => Math.max(0, ...lengths.map(({ oldest_seconds }) => oldest_seconds)),
  );
}

function accountLabel(accounts: readonly string[], account: string): string {
  return accounts.includes(account) ? account : REMOVED;
}
