import type pg from 'pg';
import type { KeyedConfig } from '../../config/config.ts';
import type { FunctionKeeper } from '../../db/functions.ts';
import type { Database } from '../../db/pools.ts';
import type { Sessions } from '../../db/start/pooler.ts';
import { endLeases } from '../../delivery/claim.ts';
import { endEndpointLeases } from '../../feed/endpoints/delivery/claim.ts';
import type { Events } from '../../observability/events.ts';
import type { ProviderRegistry } from '../../providers/registry.ts';
import { endWebhookLeases } from '../../webhooks/inbox/lease.ts';
import { endFetchLeases } from '../../webhooks/media/claim.ts';
import type { LocatedDatabase } from '../local/database.ts';
import type { Reports } from './protocol.ts';
import { withRepair } from './repair.ts';
import { WorkerSupervisor } from './supervisor.ts';
import { createWorkers } from './workers.ts';

/** The delivery worker of a service, in the process of the service or in a process of its own. */
export interface ServiceWorker {
  start(): void;
  /** Claims again as soon as possible: a message may be due. */
  wake(): void;
  /** Stops claiming and resolves when all calls are settled. May be called more than once. */
  stop(): Promise<void>;
  /** The accounts as the worker knows them; empty while its process does not run or does not report. */
  accounts(): Promise<Reports['accounts']>;
  /** The metrics of the worker's own process; empty if the worker has none, or while it does not report. */
  metrics(): Promise<Reports['metrics']>;
}

export interface WorkerContext {
  config: KeyedConfig;
  location: LocatedDatabase;
  providers: ProviderRegistry;
  database: Database;
  sessions: Sessions;
  connections: Connections;
  events: Events;
  functions: FunctionKeeper;
  stack: AsyncDisposableStack;
  /** Called after the commit of an attempt in this process. */
  onSettled: () => void;
}

/** The numbers of database connections for requests and deliveries of the two processes. */
export interface Connections {
  service: number;
  /** 0: the worker uses the connections of the service. */
  worker: number;
}

/** The share of a worker process, which claims over one connection and settles over another, and its limit. */
const WORKER_SHARE = 1 / 5;
const MAX_WORKER_CONNECTIONS = 3;

/** Divides `DATABASE_POOL_SIZE` between the processes of a service. */
export function divideConnections(poolSize: number, workerProcess: boolean): Connections {
  if (!workerProcess) return { service: poolSize, worker: 0 };
  const worker = Math.max(1, Math.min(MAX_WORKER_CONNECTIONS, Math.floor(poolSize * WORKER_SHARE)));
  return { service: poolSize - worker, worker };
}

/** Ends the leases of messages, webhooks, events and files. May be called only if no other process uses this database. */
export async function endAllLeases(pool: pg.Pool): Promise<void> {
  await endLeases(pool);
  await endWebhookLeases(pool);
  await endEndpointLeases(pool);
  await endFetchLeases(pool);
}

/** Creates the worker of a service. The stack stops the worker. */
export function createServiceWorker(context: WorkerContext): ServiceWorker {
  const { config, location, providers, database, connections, functions, stack, onSettled } = context;
  if (connections.worker > 0) return createSupervisor(context);
  const events = withRepair(context.events, () => void functions.install());
  const { pool, knex } = database;
  const workers = createWorkers(
    { config, providers, pool, knex, directUrl: location.directUrl, events, onCommitted: onSettled },
    stack,
  );
  return {
    start: workers.start,
    wake: () => workers.messages.wake(),
    stop: workers.stop,
    accounts: async () => workers.messages.accounts(),
    metrics: async () => [],
  };
}

function createSupervisor(context: WorkerContext): ServiceWorker {
  const { config, location, database, sessions, connections, events, functions, stack } = context;
  const { directUrl, exclusive } = location;
  const supervisor = new WorkerSupervisor(
    { config, databaseUrl: location.url, directUrl, sessions, poolSize: connections.worker, exclusive },
    {
      events,
      beforeRestart: async () => {
        // The leases of the dead process would delay its messages.
        if (exclusive) await endAllLeases(database.pool).catch((error) => events.failed('end_leases', error));
      },
      onFunctionMissing: () => void functions.install(),
    },
  );
  stack.defer(() => supervisor.stop());
  return supervisor;
}
