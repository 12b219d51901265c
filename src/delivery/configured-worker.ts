import type { Config } from '../config/config.ts';
import type { Database } from '../db/pools.ts';
import type { Events } from '../observability/events.ts';
import { longestCallMs } from '../providers/client.ts';
import { createRegistry } from '../providers/registry.ts';
import { listenForDue } from './wake-up.ts';
import { createDispatcher, type Worker } from './worker.ts';

/** How long settling may take after a call has ended, in milliseconds. */
const LEASE_MARGIN_MS = 5_000;

/** Creates the worker for the configured accounts; the stack stops it. `directUrl` is for LISTEN. */
export function createConfiguredWorker(
  config: Config,
  { pool }: Database,
  directUrl: string,
  events: Events,
  stack: AsyncDisposableStack,
): Worker {
  const looksUp = config.providers.some(
    ({ supportsIdempotencyKeys, canLookUp }) => !supportsIdempotencyKeys && canLookUp,
  );
  const worker = createDispatcher({
    pool,
    events,
    providers: createRegistry(config.providers, config.providerTimeoutMs),
    concurrency: config.deliveryConcurrency,
    leaseMs: longestCallMs(config.providerTimeoutMs, looksUp) + LEASE_MARGIN_MS,
    marginMs: LEASE_MARGIN_MS / 2,
    timeoutMs: config.providerTimeoutMs,
    patienceMs: config.stopTimeoutMs / 2,
  });
  stack.defer(worker.stop);
  stack.defer(listenForDue(directUrl, events, worker.wake).stop);
  return worker;
}
