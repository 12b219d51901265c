import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../src/simulator/random.ts';
import { freePort } from '../support/process.ts';
import { until } from '../support/until.ts';
import {
  countPending,
  expirePending,
  readProviders,
  readStored,
  recordStatusChanges,
} from './checker/collect.ts';
import type { ChaosEvent, Evidence } from './checker/evidence.ts';
import { sendAll } from './clients.ts';
import type { DisruptionOptions, Targets } from './disruptions/options.ts';
import { killInRotation, runSteps } from './disruptions/steps.ts';
import { FAILING_ADDRESSES } from './failing.ts';
import { untilIdle } from './idle.ts';
import { makeInbound, passOnAll } from './inbound.ts';
import { startDatabase } from './postgres.ts';
import { removeOnExit } from './processes.ts';
import { startProvider } from './provider.ts';
import { createSender, type Sender } from './sender.ts';
import { apiKey, migrate, startService } from './service.ts';
import type { ChaosSettings } from './settings.ts';
import { suppressRecipients } from './stops.ts';
import { makeWorkload } from './workload.ts';

export interface ChaosRun {
  evidence: Evidence;
  /** The folder of the logs. The caller must remove the folder. */
  logs: string;
}

/** Watches a run from outside. */
export interface Observer {
  /** Resolves when the observer has caused all its changes. */
  working: Promise<void>;
  /** Called while the idle service still runs. */
  finish(): Promise<void>;
}

export interface ObservedRun {
  targets: Targets;
  settings: ChaosSettings;
  /** Aborted at the time limit, and after a failure. */
  signal: AbortSignal;
}

const PROGRESS_MS = 10_000;
/** The share of messages that clients send again after the acknowledgement, from 0 to 1. */
const REPEATED = 0.02;

/** The longest call to a mail server, as a multiple of the timeout of one command. */
const SMTP_TIMEOUTS = 12;

/** Starts everything, runs the workload with the disruptions, and waits until the service is idle, at most `timeLimitMs`. */
export async function runChaos(
  settings: ChaosSettings,
  log: (line: string) => void,
  observe: (run: ObservedRun) => Promise<Observer> = async () => ({
    working: Promise.resolve(),
    finish: async () => undefined,
  }),
): Promise<ChaosRun> {
  const logs = await mkdtemp(join(tmpdir(), 'messaging-chaos-'));
  const events: ChaosEvent[] = [];
  const note: DisruptionOptions['note'] = (kind, detail) =>
    void events.push({ at: Date.now(), kind, detail });
  await using stack = new AsyncDisposableStack();
  const timeLimit = new AbortController();
  const timer = setTimeout(() => timeLimit.abort(), settings.timeLimitMs);
  stack.defer(() => clearTimeout(timer));
  const { signal } = timeLimit;
  const targets = await startAll(settings, logs, note, signal, stack);
  // After a failure, abort the clients and the disruptions before the processes stop.
  stack.defer(() => timeLimit.abort());
  const random = seededRandom(settings.seed);
  const observer = await observe({ targets, settings, signal });
  const conversations = makeWorkload(settings, random, true);
  const sent = conversations.flat();

  let acknowledged = 0;
  let draining = false;
  const progress = () => acknowledged / sent.length;
  const options: DisruptionOptions = {
    settings,
    targets,
    note,
    random: seededRandom(~settings.seed),
    progress,
    signal,
  };
  const progressTimer = setInterval(() => void reportProgress(), PROGRESS_MS);
  stack.defer(() => clearInterval(progressTimer));
  async function reportProgress(): Promise<void> {
    const pending = await countPending(targets.database.url).catch(() => '?');
    log(`${acknowledged} of ${sent.length} acknowledged, ${pending} pending, ${events.length} events`);
  }

  const steps = runSteps(options);
  const killing = AbortSignal.any([signal, AbortSignal.timeout(settings.killForMs)]);
  const pending = () =>
    countPending(targets.database.url, FAILING_ADDRESSES).catch(() => Number.POSITIVE_INFINITY);
  const isDrained = async () => draining && (await pending()) <= settings.killUntilPending;
  const killer = killInRotation({ ...options, signal: killing }, isDrained).then(async () =>
    log(`no more processes are killed, with ${await pending()} pending`),
  );
  const inbound = makeInbound(settings.inbound);
  const passingOn = passOnAll(inbound, {
    ...{ urls: targets.service.urls, pauseMs: settings.pauseMs * settings.messagesEach, random, signal },
  });
  const senders = targets.service.urls.map((url) => createSender(url, apiKey, signal));
  const work = async () => {
    await sendAll(conversations, {
      send: (message, previous) =>
        (senders[message.conversation % senders.length] as Sender)(message, previous),
      limit: settings.clients,
      pauseMs: settings.pauseMs,
      repeated: REPEATED,
      random,
      signal,
      onAcknowledged: () => acknowledged++,
      onConversationSent: async ([message]) => {
        if (message?.stopped) await suppressRecipients(targets.database.url, message, signal);
      },
    });
    if (progress() === 1) note('all acknowledged', `${sent.length} messages`);
    await Promise.all([steps, observer.working, passingOn]);
    draining = true;
  };
  await Promise.all([work(), steps, killer]);
  await until(
    async () => signal.aborted || (await pending()) === 0,
    'all other messages are settled',
    settings.timeLimitMs * 2,
  );
  if (!signal.aborted) {
    note(
      'all others settled',
      `${await countPending(targets.database.url)} messages to failing recipients are pending`,
    );
    await reportProgress();
    await targets.provider.clearFaults();
    await expirePending(targets.database.url);
  }
  const { modes, listDelayMs, plan, providerTimeoutMs } = settings;
  const settleMs = (modes.email === 'smtp' ? SMTP_TIMEOUTS : 4) * providerTimeoutMs;
  const idle = await untilIdle(targets.database.url, targets.provider, settleMs, signal);
  await reportProgress();
  await observer.finish();

  const stored = await readStored(targets.database.url);
  const accepted = await readProviders(targets.provider.url);
  const run = { modes, listDelayMs, providerTimeoutMs, plan, events, idle };
  return { evidence: { ...run, sent, inbound, stored, ...accepted }, logs };
}

/** Starts the database, the providers and the service on free ports and in new folders. `stack` stops them in reverse order. */
async function startAll(
  settings: ChaosSettings,
  logs: string,
  note: DisruptionOptions['note'],
  signal: AbortSignal,
  stack: AsyncDisposableStack,
): Promise<Targets> {
  const directory = await mkdtemp(join(tmpdir(), 'messaging-chaos-data-'));
  removeOnExit(directory);
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const onExit = (reason: string) => note('process exited', reason);
  const [database, provider] = await Promise.all([
    startDatabase(directory),
    startProvider({
      ...settings,
      serviceUrl: url,
      directory: logs,
      onExit: (reason) => onExit(`simulator: ${reason}`),
    }),
  ]);
  stack.defer(database.stop);
  stack.defer(provider.stop);
  const options = {
    ...settings,
    port,
    databaseUrl: database.url,
    simulator: provider,
    logs,
    compileCache: join(directory, 'compileCache'),
    signal,
    onExit,
  };
  await migrate(options);
  await recordStatusChanges(database.url);
  const service = await startService(options);
  stack.defer(service.stop);
  await provider.setFaults();
  return { database, provider, service };
}
