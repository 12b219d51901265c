import type pg from 'pg';
import type { Config } from '../config/config.ts';
import type { Events } from '../observability/events.ts';
import type { ProviderRegistry } from '../providers/registry.ts';
import { webhookUrlOf } from '../providers/webhook.ts';
import type { NormaliseAddress } from './settle.ts';
import { type Listeners, listenForDue, MESSAGES_DUE } from './wake-up.ts';
import { Worker } from './worker.ts';

/** Max time to settle an attempt after the end of the call, in milliseconds. */
const LEASE_MARGIN_MS = 5_000;

/**
 * Creates the worker for the configured accounts. The stack stops the worker.
 *
 * @param directUrl of the database, without a pooler, for LISTEN.
 * @param listeners functions that are called for notifications on further channels, by channel.
 */
export function createWorker(
  config: Config,
  providers: ProviderRegistry,
  pool: pg.Pool,
  directUrl: string,
  events: Events,
  stack: AsyncDisposableStack,
  normaliseAddress: NormaliseAddress,
  listeners: Listeners,
): Worker {
  const longestAttemptMs = [...providers.sms, ...providers.email].map(
    (provider) => provider.longestAttemptMs,
  );
  const worker = new Worker({
    pool,
    events,
    providers,
    concurrency: config.deliveryConcurrency,
    leaseMs: Math.max(...longestAttemptMs) + LEASE_MARGIN_MS,
    marginMs: LEASE_MARGIN_MS / 2,
    timeoutMs: config.providerTimeoutMs,
    webhookUrlOf: (account) => webhookUrlOf(config.publicUrl, account),
    normaliseAddress,
    patienceMs: config.stopTimeoutMs / 2,
  });
  stack.defer(() => worker.stop());
  stack.defer(listenForDue(directUrl, events, { ...listeners, [MESSAGES_DUE]: () => worker.wake() }).stop);
  return worker;
}
