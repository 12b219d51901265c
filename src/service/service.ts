import type { Config } from '../config/config.ts';
import type { EnvFile } from '../config/env-file.ts';
import { readConfig } from '../config/load.ts';
import type { Environment } from '../config/values.ts';
import { checkConsentKey, createAddressHash } from '../consent/key.ts';
import { readKeywords } from '../consent/keyword-file.ts';
import { UnsubscribeLinks } from '../consent/unsubscribe-links.ts';
import { availability } from '../db/availability.ts';
import { shareRunning } from '../db/batch/share-running.ts';
import { Caches } from '../db/caches.ts';
import { createFunctionKeeper, isMissingFunction } from '../db/functions.ts';
import type { Database } from '../db/pools.ts';
import { openMigrated } from '../db/start/open.ts';
import { createDatabaseCheck } from '../db/start/readiness.ts';
import { reportAccounts } from '../delivery/accounts/report.ts';
import { createManualActions } from '../delivery/manual-actions.ts';
import { createQueueMeasure } from '../delivery/queue-metrics.ts';
import { createReceiptRecorder } from '../delivery/receipts.ts';
import { createTimelines } from '../delivery/timeline.ts';
import { createNotifier } from '../delivery/wake-up.ts';
import { type StartError, UnavailableError } from '../errors.ts';
import { Feed } from '../feed/feed.ts';
import { createFeedMeasure } from '../feed/measure.ts';
import { startSequencer } from '../feed/sequencer.ts';
import { createApp } from '../http/app.ts';
import { createFreshKeyring } from '../http/auth/keyring.ts';
import { listen } from '../http/listen.ts';
import { createHandlers } from '../http/routes/index.ts';
import { createPostgresStore } from '../media/postgres-store.ts';
import { addressParserOf, parseSender } from '../messaging/address.ts';
import { createFindRepliedTo } from '../messaging/email/replied-to.ts';
import { createMessageView } from '../messaging/message-view.ts';
import { createFindMedia } from '../messaging/named-media.ts';
import { createPeople } from '../messaging/people/people.ts';
import { finishRegrouping } from '../messaging/people/regrouping.ts';
import { createPreview } from '../messaging/preview/preview.ts';
import { createReader } from '../messaging/reading/reader.ts';
import { createRecorder } from '../messaging/recording/record.ts';
import { createEvents, type Events } from '../observability/events.ts';
import type { Logger } from '../observability/logger.ts';
import { mergeMetrics } from '../observability/merge-metrics.ts';
import { createRegistry, KINDS } from '../providers/registry.ts';
import { createWebhooks } from '../webhooks/create.ts';
import { createEndpoints, createResources } from './feed.ts';
import { withKeys } from './kept-keys.ts';
import { createServiceLedger } from './ledger.ts';
import { locateDatabase } from './local/database.ts';
import { createMedia, linksOf } from './media.ts';
import { createPrivacy } from './privacy.ts';
import { createServiceWorker, divideConnections, endAllLeases } from './worker/create.ts';
import { withRepair } from './worker/repair.ts';

export interface Service {
  /** The URL that the service listens on. */
  url: string;
  database: Database;
  /** Resolves when the embedded database has ended and cannot be restarted. */
  failed: Promise<StartError>;
  /** Completes running requests and deliveries, then closes every connection. Safe to call twice. */
  stop(): Promise<void>;
}

export interface ServiceOptions {
  /** Called before each step of the start that may take seconds. */
  onStep?: (step: string) => void;
  /** Whether the worker of `ROLE=all` runs in a process of its own, so that deliveries do not delay requests; default: true. */
  workerProcess?: boolean;
}

const ignoreStep = () => undefined;

/**
 * Reads the configuration of the service with every kind of provider; see `readConfig`.
 *
 * @throws {StartError} with one line for each fault, sorted.
 */
export function loadConfig(environment: Environment, file: EnvFile | null = null): Config {
  const kinds = KINDS.map(({ config }) => config);
  return readConfig({ kinds, parseSender, readKeywords }, environment, file);
}

/**
 * Starts the database, the migrations, the delivery worker and the HTTP server.
 *
 * @throws {StartError} for a reason that the operator can remove.
 */
export async function startService(
  config: Config,
  logger: Logger,
  options: ServiceOptions = {},
): Promise<Service> {
  await using starting = new AsyncDisposableStack();
  const events = createEvents(logger, config.role === 'worker' ? 'worker' : 'api');
  const service = await wire(config, events, logger, options, starting);
  const running = starting.move();
  return { ...service, stop: () => running.disposeAsync() };
}

/** Disposal of the stack runs in reverse order, so that the database is closed after everything that writes to it. */
async function wire(
  given: Config,
  events: Events,
  logger: Logger,
  { onStep = ignoreStep, workerProcess = true }: ServiceOptions,
  stack: AsyncDisposableStack,
) {
  // The embedded database makes the data directory, which can have the keys.
  const location = await locateDatabase(given, events, onStep, stack);
  const config = await withKeys(given);
  const connections = divideConnections(config.databasePoolSize, workerProcess && config.role === 'all');
  const { database, sessions } = await openMigrated(location, connections.service, events, onStep, stack);
  const { knex, pool } = database;
  events.watchQueue(createQueueMeasure(pool));
  events.watchFeed(createFeedMeasure(pool));
  await checkConsentKey(pool, config.consentKey);
  if (location.exclusive) await endAllLeases(pool);
  const providers = createRegistry(config.accounts, config.providerTimeoutMs);
  const functions = createFunctionKeeper(knex, (error) => events.failed('functions', error));
  const sequencer = startSequencer(pool, events);
  stack.defer(() => sequencer.stop());
  const worker =
    config.role === 'api'
      ? null
      : createServiceWorker({
          ...{ config, location, providers, database, sessions, connections, events, functions, stack },
          onSettled: () => sequencer.wake(),
        });
  const onQueued = worker ? () => worker.wake() : createNotifier(pool, events);
  const hashAddress = createAddressHash(config.consentKey);
  const caches = new Caches();
  const recorder = createRecorder({
    ...{ pool, events, hashAddress, caches },
    onRecorded: (direction) => {
      sequencer.wake();
      if (direction === 'outbound') onQueued();
    },
  });
  const receipts = createReceiptRecorder(pool, events, () => sequencer.wake(), hashAddress);
  stack.defer(finishRegrouping(knex, (error) => events.failed('regroup', error)).stop);
  stack.defer(async () => void (await Promise.all([recorder.idle(), receipts.idle()])));

  let stopping = false;
  const assertUsable = createDatabaseCheck(database);
  const assertReady = async () => {
    if (stopping) throw new UnavailableError('The service is stopping.');
    await assertUsable();
  };
  const parseAddress = addressParserOf(config.defaultRegion);
  const links = linksOf(config);
  const findMedia = createFindMedia(pool, links);
  const findRepliedTo = createFindRepliedTo(pool);
  const storage = { pool, store: createPostgresStore(pool) };
  const unsubscribeLinks = new UnsubscribeLinks(config.secretKeys, config.publicUrl, hashAddress);
  const rules = {
    ...{ providers, allowedCountries: config.allowedCountries, findMedia, findRepliedTo, storage },
    unsubscribeLinks,
  };
  const presentMessage = createMessageView(links);
  const feed = new Feed({
    pool,
    listenUrl: location.directUrl,
    events,
    resources: createResources(knex, links),
  });
  const privacy = createPrivacy(
    {
      ...{ config, database, directUrl: location.directUrl, events, caches },
      forgetEvents: () => feed.forget(),
      onEvent: () => sequencer.wake(),
    },
    stack,
  );
  const ledger = createServiceLedger(config, database, events, () => sequencer.wake());
  const handlers = createHandlers({
    ...{ parseAddress, recorder, ledger, feed, events, assertReady, presentMessage, ...rules, ...privacy },
    media: createMedia(database, links, stack),
    preview: createPreview({ pool, parseAddress, hashAddress, ...rules }),
    webhooks: createWebhooks({
      ...{ config, providers, database, parseAddress, recorder, receipts },
      events: withRepair(events, () => void functions.install()),
      onQuarantined: () => sequencer.wake(),
    }),
    reader: createReader(database, parseAddress, presentMessage),
    people: createPeople(database, parseAddress, () => sequencer.wake()),
    timelines: createTimelines(database),
    endpoints: createEndpoints(config, database, events, stack),
    manualActions: createManualActions(pool, () => {
      sequencer.wake();
      onQueued();
    }),
    reportChannels: shareRunning(async () =>
      reportAccounts(knex, config.accounts, (await worker?.accounts()) ?? []),
    ),
    readMetrics: shareRunning(async () => mergeMetrics(events.registry, (await worker?.metrics()) ?? [])),
  });
  const keyring = createFreshKeyring(config, logger, stack);
  const app = await createApp({
    ...{ config, logger, events, keyring, providers, handlers, links },
    unsubscribing: { links: unsubscribeLinks, unsubscribe: ledger.unsubscribe },
    translate: (error) => {
      if (isMissingFunction(error)) void functions.install();
      return availability(error);
    },
  });
  const url = await listen(app, config, logger, stack);
  worker?.start();
  stack.defer(functions.start());
  // The worker stops claiming deliveries before the running requests end.
  stack.defer(() => {
    stopping = true;
    void worker?.stop();
    void feed.stop();
    ledger.stop();
  });
  return { url, database, failed: location.failed };
}
