import type pg from 'pg';
import type { KeyedConfig } from '../../config/config.ts';
import { MediaClient } from '../../media/fetching/client.ts';
import { createPostgresStore } from '../../media/postgres-store.ts';
import type { Events } from '../../observability/events.ts';
import type { ProviderRegistry } from '../../providers/registry.ts';
import { MediaWorker } from './worker.ts';

export interface MediaWorkerContext {
  config: KeyedConfig;
  providers: ProviderRegistry;
  pool: pg.Pool;
  events: Events;
  /** Called after the commit of an event. */
  onSettled: () => void;
}

/** Creates the worker that fetches the files of inbound messages. The stack stops the worker. */
export function createMediaWorker(
  { config, providers, pool, ...reporting }: MediaWorkerContext,
  stack: AsyncDisposableStack,
): MediaWorker {
  const worker = new MediaWorker({
    ...reporting,
    pool,
    accounts: [...providers.sms, ...providers.email],
    client: new MediaClient({ allowedPrivateHosts: config.allowedPrivateHosts }),
    store: createPostgresStore(pool),
  });
  stack.defer(() => worker.stop());
  return worker;
}
