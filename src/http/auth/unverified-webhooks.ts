import type { Events } from '../../observability/events.ts';

/** The label of webhooks whose URL names no configured account. */
const UNKNOWN = '(unknown)';
const LOG_AGAIN_MS = 60_000;

export type UnverifiedReport = (
  account: string | null,
  reason: 'unknown_account' | 'no_signature' | 'invalid_signature',
) => void;

/** Counts webhooks that are refused before they are read, and logs at most one line per minute and account. */
export function createUnverifiedReport(events: Pick<Events, 'webhookUnverified'>): UnverifiedReport {
  const loggedAt = new Map<string, number>();
  return (name, reason) => {
    const account = name ?? UNKNOWN;
    const now = performance.now();
    const log = now - (loggedAt.get(account) ?? Number.NEGATIVE_INFINITY) >= LOG_AGAIN_MS;
    if (log) loggedAt.set(account, now);
    events.webhookUnverified({ account, reason, log });
  };
}
