import type pg from 'pg';
import type { KeyedConfig } from '../config/config.ts';
import { createAddressHash } from '../consent/key.ts';
import { type Listeners, listenTo } from '../db/listen.ts';
import { MediaLinks } from '../media/links.ts';
import type { Events } from '../observability/events.ts';
import { LEASE_MARGIN_MS } from '../outbox/settle.ts';
import type { ProviderRegistry } from '../providers/registry.ts';
import { webhookUrlOf } from '../providers/webhook.ts';
import type { BackgroundTask } from './maintenance/background.ts';
import type { NormaliseAddress } from './settle.ts';
import { MESSAGES_DUE } from './wake-up.ts';
import { Worker } from './worker.ts';

export interface ConfiguredWorkerOptions {
  config: KeyedConfig;
  providers: ProviderRegistry;
  pool: pg.Pool;
  /** The URL of the database, without a pooler, for LISTEN. */
  directUrl: string;
  events: Events;
  normaliseAddress: NormaliseAddress;
  /** Called after the commit of an attempt. */
  onSettled: () => void;
  /** Functions that are called for notifications on further channels, by channel. */
  listeners: Listeners;
  /** Further tasks, which run beside the claims. */
  tasks: BackgroundTask[];
}

/** Creates the worker for the configured accounts. The stack stops the worker. */
export function createWorker(options: ConfiguredWorkerOptions, stack: AsyncDisposableStack): Worker {
  const { config, providers, pool, directUrl, events, normaliseAddress, onSettled, listeners, tasks } =
    options;
  const worker = new Worker({
    pool,
    events,
    providers,
    concurrency: config.deliveryConcurrency,
    marginMs: LEASE_MARGIN_MS / 2,
    timeoutMs: config.providerTimeoutMs,
    webhookUrlOf: (account) => webhookUrlOf(config.publicUrl, account),
    links: new MediaLinks(config.secretKeys, config.publicUrl),
    allowedPrivateHosts: config.allowedPrivateHosts,
    normaliseAddress,
    stopScope: config.stopScope,
    hashAddress: createAddressHash(config.consentKey),
    patienceMs: config.stopTimeoutMs / 2,
    onSettled,
    tasks,
  });
  stack.defer(() => worker.stop());
  const onError = (error: unknown) => events.failed('listen', error);
  stack.defer(listenTo(directUrl, { ...listeners, [MESSAGES_DUE]: () => worker.wake() }, onError).stop);
  return worker;
}
