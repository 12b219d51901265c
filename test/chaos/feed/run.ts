import { seededRandom } from '../../../src/simulator/random.ts';
import { until } from '../../support/until.ts';
import { readFeed } from '../checker/collect.ts';
import type { ConsumerName, FeedEvidence } from '../checker/feed/evidence.ts';
import { type ObservedRun, type Observer, runChaos } from '../run.ts';
import type { Consumer } from './consumers/consumer.ts';
import { consumeByRest } from './consumers/rest.ts';
import { consumeByStream } from './consumers/stream.ts';
import { consumeByWebhook } from './consumers/webhook.ts';
import { receiveAll } from './inbound.ts';
import type { FeedSettings } from './settings.ts';

export interface FeedRun {
  evidence: FeedEvidence;
  /** The folder of the logs. The caller must remove the folder. */
  logs: string;
}

type Consumers = Partial<Record<ConsumerName, Consumer>>;

/** Runs the workload with the disruptions while consumers read the feed, and until they have read all of it. */
export async function runFeed(settings: FeedSettings, log: (line: string) => void): Promise<FeedRun> {
  const consumers: Consumers = {};
  let lastPosition = 0;
  const observe = async (run: ObservedRun): Promise<Observer> => {
    const { targets, signal } = run;
    const { urls } = targets.service;
    Object.assign(consumers, await startConsumers(settings, run));
    const random = seededRandom(settings.seed + 1);
    const { inboundTexts: count, pauseMs } = settings;
    return {
      working: receiveAll({ urls, count, pauseMs, random, signal }),
      finish: async () => {
        lastPosition = await untilRead(consumers, targets.database.url, settings, signal, log);
        await Promise.all(Object.values(consumers).map((consumer) => consumer.stop()));
      },
    };
  };
  const { evidence, logs } = await runChaos(settings, log, observe);
  const consumed = Object.fromEntries(
    Object.entries(consumers).map(([name, { events, interruptions }]) => [name, { events, interruptions }]),
  );
  const { minInterruptions } = settings;
  return { evidence: { ...evidence, consumed, lastPosition, minInterruptions }, logs };
}

async function startConsumers(settings: FeedSettings, { targets, signal }: ObservedRun): Promise<Consumers> {
  const { urls } = targets.service;
  const options = { urls, signal };
  const random = seededRandom(settings.seed + 2);
  const has = (name: ConsumerName) => settings.consumers.includes(name);
  return {
    ...(has('webhook') && {
      webhook: await consumeByWebhook({
        ...options,
        failing: settings.failingWebhooks,
        refusing: settings.refusedWebhooks,
        random,
      }),
    }),
    ...(has('rest') && { rest: consumeByRest(options) }),
    ...(has('stream') && { stream: consumeByStream(options) }),
  };
}

/**
 * Waits until every consumer has the last event, or no consumer makes progress any more.
 *
 * @returns the position of the last event.
 */
async function untilRead(
  consumers: Consumers,
  databaseUrl: string,
  { stallMs, timeLimitMs }: FeedSettings,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<number> {
  let seen = '';
  let since = Date.now();
  return until(
    async () => {
      const { waiting, last } = await readFeed(databaseUrl);
      const positions = Object.entries(consumers).map(([name, consumer]) => `${name} ${consumer.position()}`);
      const isRead = Object.values(consumers).every((consumer) => consumer.position() >= last);
      if (positions.join() !== seen) [seen, since] = [positions.join(), Date.now()];
      if (!signal.aborted && (waiting > 0 || !isRead) && Date.now() - since < stallMs) return false;
      log(`${last} events, read until ${positions.join(', ')}`);
      return last;
    },
    'every consumer has read the feed',
    timeLimitMs * 2,
  );
}
