import type { Knex } from 'knex';
import type pg from 'pg';
import type { KeyedConfig } from '../../config/config.ts';
import { createAddressHash } from '../../consent/key.ts';
import { applyRecordedOptOuts } from '../../consent/unapplied.ts';
import { Caches } from '../../db/caches.ts';
import { createWorker } from '../../delivery/configured-worker.ts';
import type { Worker } from '../../delivery/worker.ts';
import { EndpointSecrets } from '../../feed/endpoints/secret.ts';
import { FEED_MOVED } from '../../feed/event.ts';
import { eventRetention } from '../../feed/retention.ts';
import { mediaCollection } from '../../media/collect.ts';
import { erasedObjectRemoval } from '../../media/erased-objects.ts';
import { createPostgresStore } from '../../media/postgres-store.ts';
import { forgetAddresses, normaliserOf } from '../../messaging/address.ts';
import type { Events } from '../../observability/events.ts';
import { erasureCheck, PARTICIPANTS_ERASED } from '../../privacy/erased-content.ts';
import { retentionTasks } from '../../privacy/retention/tasks.ts';
import type { ProviderRegistry } from '../../providers/registry.ts';
import { createInboxWorker } from '../../webhooks/create.ts';
import { WEBHOOKS_DUE } from '../../webhooks/inbox/inbox.ts';
import { MEDIA_DUE } from '../../webhooks/media/claim.ts';
import { createMediaWorker } from '../../webhooks/media/create.ts';
import { createEndpointWorker } from '../feed.ts';
import { createErasureSteps } from '../privacy.ts';

export interface WorkersContext {
  config: KeyedConfig;
  providers: ProviderRegistry;
  pool: pg.Pool;
  knex: Knex;
  /** The URL of the database, without a pooler, for LISTEN. */
  directUrl: string;
  events: Events;
  /** Called after the commit of an event. */
  onCommitted: () => void;
}

/** The workers of one process: of messages, of webhooks, of files and of endpoints. */
export interface Workers {
  /** The worker of messages. */
  messages: Worker;
  start(): void;
  /** Stops all at the same time, because each may wait for half of `STOP_TIMEOUT_MS`. May be called more than once. */
  stop(): Promise<void>;
}

/** Creates the workers with their background tasks. The stack stops them. */
export function createWorkers(context: WorkersContext, stack: AsyncDisposableStack): Workers {
  const { config, providers, pool, knex, directUrl, events, onCommitted } = context;
  const common = { config, providers, pool, events };
  const caches = new Caches();
  caches.add(forgetAddresses);
  const inbox = createInboxWorker({ ...common, caches, onRecorded: onCommitted }, stack);
  const media = createMediaWorker({ ...common, onSettled: onCommitted }, stack);
  const endpoints = createEndpointWorker({ config, pool, knex, events, onEvent: onCommitted }, stack);
  const messages = createWorker(
    {
      ...{ ...common, directUrl, onSettled: onCommitted },
      normaliseAddress: normaliserOf(config.defaultRegion),
      listeners: {
        [WEBHOOKS_DUE]: () => inbox.wake(),
        [MEDIA_DUE]: () => media.wake(),
        [FEED_MOVED]: () => endpoints.wake(),
        [PARTICIPANTS_ERASED]: () => caches.empty(),
      },
      tasks: [
        ...tasksOf(config, pool, events),
        createErasureSteps(config, pool, events, onCommitted).task(),
        erasureCheck(pool, () => caches.empty()),
      ],
    },
    stack,
  );
  const workers = [messages, inbox, media, endpoints];
  const stop = async () => void (await Promise.all(workers.map((worker) => worker.stop())));
  stack.defer(stop);
  return {
    messages,
    start: () => {
      for (const worker of workers) worker.start();
    },
    stop,
  };
}

/** The tasks that run beside the claims. */
function tasksOf(config: KeyedConfig, pool: pg.Pool, events: Events) {
  const { eventRetentionDays, retentionDays, consentKey, stopScope, secretKeys } = config;
  const store = createPostgresStore(pool);
  return [
    eventRetention(pool, eventRetentionDays),
    applyRecordedOptOuts(pool, { hashAddress: createAddressHash(consentKey), stopScope }),
    new EndpointSecrets(secretKeys).sealing(pool),
    mediaCollection(pool, store),
    erasedObjectRemoval(pool, store),
    ...retentionTasks({ pool, store, events }, retentionDays),
  ];
}
