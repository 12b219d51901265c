import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../src/simulator/random.ts';
import { freePort } from '../support/process.ts';
import { until } from '../support/until.ts';
import { countPending, expirePending, observe, readStored, readTaken } from './checker/collect.ts';
import type { ChaosEvent, Evidence } from './checker/evidence.ts';
import { sendAll } from './clients.ts';
import { FAILING_ADDRESSES } from './failing.ts';
import { type Havoc, killWorkers, takeSteps, type Victims } from './havoc.ts';
import { startDatabase } from './postgres.ts';
import { endsWithUs } from './processes.ts';
import { startProvider } from './provider.ts';
import { untilQuiet } from './quiet.ts';
import { createSender } from './sender.ts';
import { apiKey, migrate, startService } from './service.ts';
import type { ChaosSettings } from './settings.ts';
import { makeWorkload } from './workload.ts';

export interface ChaosRun {
  evidence: Evidence;
  /** Where every process wrote its log; for the caller to remove. */
  logs: string;
}

const PROGRESS_MS = 10_000;
/** The part of messages that clients send again although they were acknowledged. */
const REPEATED = 0.02;

/** One run from nothing to quiet. Every wait in it ends at the bound of the settings. */
export async function runChaos(settings: ChaosSettings, say: (line: string) => void): Promise<ChaosRun> {
  const logs = await mkdtemp(join(tmpdir(), 'messaging-chaos-'));
  const events: ChaosEvent[] = [];
  const note: Havoc['note'] = (kind, detail) => void events.push({ at: Date.now(), kind, detail });
  await using stack = new AsyncDisposableStack();
  const bound = new AbortController();
  const timer = setTimeout(() => bound.abort(), settings.boundMs);
  stack.defer(() => clearTimeout(timer));
  const { signal } = bound;
  const { victims, url } = await build(settings, logs, note, signal, stack);
  // Where something fails, nothing goes on while the rest is stopped.
  stack.defer(() => bound.abort());
  const random = seededRandom(settings.seed);
  const conversations = makeWorkload(settings.conversations, settings.messagesEach, random);
  const sent = conversations.flat();

  let acknowledged = 0;
  let draining = false;
  const progress = () => acknowledged / sent.length;
  const havoc: Havoc = { settings, victims, note, random: seededRandom(~settings.seed), progress, signal };
  const telling = setInterval(() => void tell(), PROGRESS_MS);
  stack.defer(() => clearInterval(telling));
  async function tell(): Promise<void> {
    const pending = await countPending(victims.database.url).catch(() => '?');
    say(`${acknowledged} of ${sent.length} acknowledged, ${pending} pending, ${events.length} events`);
  }

  const steps = takeSteps(havoc);
  const killing = AbortSignal.any([signal, AbortSignal.timeout(settings.killForMs)]);
  const pending = () =>
    countPending(victims.database.url, FAILING_ADDRESSES).catch(() => Number.POSITIVE_INFINITY);
  const isEnough = async () => draining && (await pending()) <= settings.leftAlone;
  const killer = killWorkers({ ...havoc, signal: killing }, isEnough).then(async () =>
    say(`no more workers are killed, with ${await pending()} pending`),
  );
  const work = async () => {
    await sendAll(conversations, {
      send: createSender(url, apiKey, signal),
      limit: settings.clients,
      pauseMs: settings.pauseMs,
      repeated: REPEATED,
      random,
      signal,
      onAcknowledged: () => acknowledged++,
    });
    if (progress() === 1) note('all acknowledged', `${sent.length} messages`);
    await steps;
    draining = true;
  };
  await Promise.all([work(), steps, killer]);
  await until(
    async () => signal.aborted || (await pending()) === 0,
    'others are settled',
    settings.boundMs * 2,
  );
  if (!signal.aborted) {
    note('all but failing settled', `${await countPending(victims.database.url)} messages still fail`);
    await tell();
    await victims.provider.behave();
    await expirePending(victims.database.url);
  }
  const { mode, plan, providerTimeoutMs } = settings;
  const quiet = await untilQuiet(victims.database.url, victims.provider, 4 * providerTimeoutMs, signal);
  await tell();

  const stored = await readStored(victims.database.url);
  const taken = await readTaken(victims.provider.url);
  return { evidence: { mode, providerTimeoutMs, plan, events, quiet, sent, stored, ...taken }, logs };
}

/** Everything on ports and in folders of its own; what is deferred first ends last. */
async function build(
  settings: ChaosSettings,
  logs: string,
  note: Havoc['note'],
  signal: AbortSignal,
  stack: AsyncDisposableStack,
): Promise<{ victims: Victims; url: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'messaging-chaos-data-'));
  endsWithUs(directory);
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const onEnd = (how: string) => note('ended by itself', how);
  const [database, provider] = await Promise.all([
    startDatabase(directory),
    startProvider({
      ...settings,
      serviceUrl: url,
      directory: logs,
      onEndedByItself: (how) => onEnd(`simulator: ${how}`),
    }),
  ]);
  stack.defer(database.stop);
  stack.defer(provider.stop);
  const options = {
    ...settings,
    port,
    databaseUrl: database.url,
    simulatorUrl: provider.url,
    logs,
    compiled: join(directory, 'compiled'),
    signal,
    onEndedByItself: onEnd,
  };
  await migrate(options);
  await observe(database.url);
  const service = await startService(options);
  stack.defer(service.stop);
  await provider.misbehave();
  return { victims: { database, provider, service }, url };
}
