import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config } from './config.ts';
import { availability, type Database, openDatabase } from './db/connect.ts';
import { type EmbeddedDatabase, startEmbedded } from './db/embedded.ts';
import { isMigrated, migrate } from './db/migrate.ts';
import { createDispatcher, type Dispatcher } from './delivery/dispatcher.ts';
import { createNotifier, listenForDue } from './delivery/notices.ts';
import { createReceiptTaker } from './delivery/receipts.ts';
import { StartError, UnavailableError } from './errors.ts';
import { createApp } from './http/app.ts';
import { createHandlers } from './http/routes/index.ts';
import { createAddressParser } from './messaging/address.ts';
import { createRecorder } from './messaging/record.ts';
import { createEvents } from './observability/events.ts';
import type { Logger } from './observability/logger.ts';
import { longestCallMs } from './providers/client.ts';
import { createRegistry } from './providers/registry.ts';

export interface Service {
  /** Where it listens; null for a worker without HTTP. */
  url: string | null;
  database: Database;
  /** Finishes what is in hand, then closes every connection. Safe to call twice. */
  stop(): Promise<void>;
}

/** What a worker's settling may take after its call has ended, in milliseconds. */
const LEASE_MARGIN_MS = 5_000;

/**
 * Starts everything: database, migrations, delivery, HTTP.
 *
 * @throws {StartError} where the operator can mend the reason.
 */
export async function startService(config: Config, logger: Logger): Promise<Service> {
  const cleanups: (() => Promise<unknown>)[] = [];
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= cleanups.reduceRight(
      (before, cleanup) => before.then(cleanup).then(() => undefined),
      Promise.resolve(),
    );
    return stopped;
  };
  try {
    return { ...(await wire(config, logger, cleanups)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function wire(
  config: Config,
  logger: Logger,
  cleanups: (() => Promise<unknown>)[],
): Promise<Omit<Service, 'stop'>> {
  const events = createEvents(logger);
  const database = await openMigrated(config, cleanups, (error) => events.failed('database', error));
  const { knex, pool } = database;

  let stopping = false;
  const dispatcher = config.role === 'api' ? null : createWorker(config, database, events, cleanups);
  const recorder = createRecorder({
    pool,
    events,
    onQueued: dispatcher?.wake ?? createNotifier(pool, events),
  });
  const receipts = createReceiptTaker(pool, events);
  cleanups.push(() => Promise.all([recorder.idle(), receipts.idle()]));

  const parseAddress = createAddressParser(config.defaultRegion);
  const assertReady = async () => {
    if (stopping) throw new UnavailableError('The service is stopping.');
    if (!(await isMigrated(database))) throw new UnavailableError('Migrations are missing.');
  };
  const handlers = createHandlers({
    knex,
    parseAddress,
    recorder,
    receipts,
    providers: config.providers,
    events,
    assertReady,
  });
  const url =
    config.role === 'worker'
      ? null
      : await listen(createApp({ config, logger, handlers, translate: availability }), config, cleanups);
  cleanups.push(async () => {
    stopping = true;
  });
  dispatcher?.start();
  return { url, database };
}

async function openMigrated(
  config: Config,
  cleanups: (() => Promise<unknown>)[],
  onError: (error: Error) => void,
): Promise<Database> {
  let embedded: EmbeddedDatabase | undefined;
  if (config.databaseUrl === null) {
    embedded = await startEmbedded(config.dataDir);
    cleanups.push(embedded.stop);
  }
  const database = openDatabase(embedded?.url ?? config.databaseUrl ?? '', onError);
  cleanups.push(database.close);
  await migrate(database).catch((error) => {
    if (!(availability(error) instanceof UnavailableError)) throw error;
    throw new StartError([`DATABASE_URL: the database does not answer: ${error.message}`], { cause: error });
  });
  return database;
}

function createWorker(
  config: Config,
  { pool, url }: Database,
  events: ReturnType<typeof createEvents>,
  cleanups: (() => Promise<unknown>)[],
): Dispatcher {
  const dispatcher = createDispatcher({
    pool,
    events,
    providers: createRegistry(config.providers, config.providerTimeoutMs),
    concurrency: config.deliveryConcurrency,
    leaseMs: longestCallMs(config.providerTimeoutMs) + LEASE_MARGIN_MS,
  });
  cleanups.push(dispatcher.stop);
  const listener = listenForDue(url, events, dispatcher.wake);
  cleanups.push(listener.stop);
  return dispatcher;
}

async function listen(
  app: ReturnType<typeof createApp>,
  config: Config,
  cleanups: (() => Promise<unknown>)[],
): Promise<string> {
  const server = createServer(app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new StartError([`PORT: ${config.host}:${config.port} cannot be listened on: ${error.code}`])),
    );
    server.listen(config.port, config.host, resolve);
  });
  cleanups.push(() => close(server));
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/** No new connections; requests in flight are answered, idle connections are closed. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}
