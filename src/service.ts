import { type ApiKey, watchApiKeys } from './config/api-keys.ts';
import type { Config } from './config/config.ts';
import { keepFunctions } from './db/functions.ts';
import { isMigrated, migrate } from './db/migrate.ts';
import { availability, type Database, openDatabase } from './db/pools.ts';
import { explained, inspectDatabase, targetOf } from './db/start/preflight.ts';
import { createWriteCheck } from './db/start/write-check.ts';
import { reportAccounts } from './delivery/accounts/report.ts';
import { endLeases } from './delivery/claim.ts';
import { createManualActions } from './delivery/manual-actions.ts';
import { measureQueue } from './delivery/queue-metrics.ts';
import { createReceiptRecorder } from './delivery/receipts.ts';
import { createNotifier, listenForDue } from './delivery/wake-up.ts';
import { createDispatcher, type Worker } from './delivery/worker.ts';
import { type StartError, UnavailableError } from './errors.ts';
import { createApp } from './http/app.ts';
import { createKeyring, type Keyring } from './http/auth/keyring.ts';
import { listen } from './http/listen.ts';
import { createHandlers } from './http/routes/index.ts';
import { superviseEmbedded } from './local/supervised.ts';
import { createAddressParser } from './messaging/address.ts';
import { finishRegrouping } from './messaging/people/regrouping.ts';
import { limitSearches } from './messaging/reading/search-limit.ts';
import { createRecorder } from './messaging/recording/record.ts';
import { createEvents, type Events } from './observability/events.ts';
import type { Logger } from './observability/logger.ts';
import { longestCallMs } from './providers/client.ts';
import { createRegistry } from './providers/registry.ts';

export interface Service {
  /** Where it listens. */
  url: string;
  database: Database;
  /** Resolves when the embedded database has ended and cannot be restarted. */
  failed: Promise<StartError>;
  /** Finishes what is in hand, then closes every connection. Safe to call twice. */
  stop(): Promise<void>;
}

/** The outcome of a database that this process does not run itself. */
const NEVER = new Promise<StartError>(() => undefined);
const ignoreStep = () => undefined;

/** What settling may take after a call has ended, in milliseconds. */
const LEASE_MARGIN_MS = 5_000;

/**
 * Starts everything: database, migrations, delivery, HTTP.
 *
 * @throws {StartError} where the operator can mend the reason.
 */
export async function startService(
  config: Config,
  logger: Logger,
  onStep: (step: string) => void = ignoreStep,
): Promise<Service> {
  await using starting = new AsyncDisposableStack();
  const service = await wire(config, createEvents(logger), logger, onStep, starting);
  const running = starting.move();
  return { ...service, stop: () => running.disposeAsync() };
}

/**
 * Brings the database's schema up to date; returns the names of the migrations that were missing.
 *
 * @throws {StartError} where the operator can mend the reason.
 */
export async function migrateDatabase(
  config: Config,
  logger: Logger,
  onStep: (step: string) => void = ignoreStep,
): Promise<string[]> {
  await using stack = new AsyncDisposableStack();
  const { applied } = await openMigrated(config, createEvents(logger), onStep, stack);
  return applied;
}

/** What is deferred first ends last: the database outlives whoever writes to it. */
async function wire(
  config: Config,
  events: Events,
  logger: Logger,
  onStep: (step: string) => void,
  stack: AsyncDisposableStack,
) {
  const { database, directUrl, exclusive, failed } = await openMigrated(config, events, onStep, stack);
  const { knex, pool } = database;
  events.watchQueue(() => measureQueue(pool));
  if (exclusive) await endLeases(pool);
  const dispatcher = config.role === 'api' ? null : createWorker(config, database, directUrl, events, stack);
  const onQueued = dispatcher?.wake ?? createNotifier(pool, events);
  const recorder = createRecorder({ pool, events, onQueued });
  const receipts = createReceiptRecorder(pool, events);
  stack.defer(keepFunctions(knex, (error) => events.failed('functions', error)));
  stack.defer(finishRegrouping(knex, (error) => events.failed('regroup', error)).stop);
  stack.defer(async () => void (await Promise.all([recorder.idle(), receipts.idle()])));

  let stopping = false;
  const assertWritable = createWriteCheck((text) => database.probe.raw(text));
  const migrated = shareRunning(() => isMigrated(database));
  const assertReady = async () => {
    if (stopping) throw new UnavailableError('The service is stopping.');
    await assertWritable();
    if (!(await migrated())) throw new UnavailableError('Migrations are missing.');
  };
  const handlers = createHandlers({
    knex,
    parseAddress: createAddressParser(config.defaultRegion),
    recorder,
    receipts,
    manualActions: createManualActions(pool, onQueued),
    searches: limitSearches(database.reads),
    events,
    assertReady,
    reportChannels: shareRunning(() => reportAccounts(knex, config.providers, dispatcher?.accounts() ?? [])),
  });
  const keyring = createFreshKeyring(config, logger, stack);
  const app = await createApp({ config, logger, events, keyring, handlers, translate: availability });
  const url = await listen(app, config, logger, stack);
  dispatcher?.start();
  // Nothing new is taken up while requests are being ended.
  stack.defer(() => {
    stopping = true;
    void dispatcher?.stop();
  });
  return { url, database, failed };
}

/** Calls that come while one is running get its result. */
function shareRunning<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  return () => {
    running ??= work().finally(() => {
      running = null;
    });
    return running;
  };
}

async function openMigrated(
  config: Config,
  events: Events,
  onStep: (step: string) => void,
  stack: AsyncDisposableStack,
) {
  const { url, directUrl, variable, failed } = await locateDatabase(config, events, onStep, stack);
  onStep('Checking the database');
  const { sessions, limited } = await inspectDatabase(url, variable);
  if (sessions === 'shared') events.sessionsShared({ limited, direct: directUrl !== url });
  if (directUrl !== url) await inspectDatabase(directUrl, 'DATABASE_DIRECT_URL');
  const options = { poolSize: config.databasePoolSize, sessions };
  const database = openDatabase(url, (error) => events.failed('database', error), options);
  stack.defer(database.close);
  onStep('Migrating the database');
  const direct = targetOf(directUrl, directUrl === url ? variable : 'DATABASE_DIRECT_URL');
  const applied = await explained(direct, () => migrate(directUrl));
  return { database, directUrl, applied, failed, exclusive: config.databaseUrl === null };
}

/** The configured database, or the embedded one, which belongs to one service at a time. */
async function locateDatabase(
  { databaseUrl, databaseDirectUrl, dataDir }: Config,
  events: Events,
  onStep: (step: string) => void,
  stack: AsyncDisposableStack,
) {
  if (databaseUrl !== null)
    return {
      url: databaseUrl,
      directUrl: databaseDirectUrl ?? databaseUrl,
      variable: 'DATABASE_URL',
      failed: NEVER,
    };
  const embedded = await superviseEmbedded(dataDir, {
    onStep,
    onExit: events.databaseExited,
    onRestart: events.databaseRestarted,
  });
  stack.defer(() => embedded.stop());
  return { url: embedded.url, directUrl: embedded.url, variable: 'DATA_DIR', failed: embedded.failed };
}

function createWorker(
  config: Config,
  database: Database,
  directUrl: string,
  events: Events,
  stack: AsyncDisposableStack,
): Worker {
  const looksUp = config.providers.some(
    ({ supportsIdempotencyKeys, canLookUp }) => !supportsIdempotencyKeys && canLookUp,
  );
  const dispatcher = createDispatcher({
    pool: database.pool,
    events,
    providers: createRegistry(config.providers, config.providerTimeoutMs),
    concurrency: config.deliveryConcurrency,
    leaseMs: longestCallMs(config.providerTimeoutMs, looksUp) + LEASE_MARGIN_MS,
    marginMs: LEASE_MARGIN_MS / 2,
    timeoutMs: config.providerTimeoutMs,
    patienceMs: config.stopTimeoutMs / 2,
  });
  stack.defer(dispatcher.stop);
  stack.defer(listenForDue(directUrl, events, dispatcher.wake).stop);
  return dispatcher;
}

/** Keys in a file are exchanged without a restart. */
function createFreshKeyring(
  { apiKeys, apiKeysFile }: Config,
  logger: Logger,
  stack: AsyncDisposableStack,
): Keyring {
  const keyring = createKeyring(apiKeys);
  if (apiKeysFile !== null) {
    const onChange = (keys: ApiKey[]) => {
      keyring.replace(keys);
      logger.info({ api_keys: keys.map(({ name }) => name) }, 'API keys exchanged');
    };
    const onFault = (err: unknown) => logger.error({ err }, 'API keys not exchanged');
    stack.defer(watchApiKeys(apiKeysFile, { keys: apiKeys, onChange, onFault }));
  }
  return keyring;
}
