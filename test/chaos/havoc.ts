import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/until.ts';
import type { ChaosEvent } from './checker/evidence.ts';
import type { ChaosDatabase } from './postgres.ts';
import type { Channel, ChaosProvider } from './provider.ts';
import type { ChaosService } from './service.ts';
import type { ChaosSettings } from './settings.ts';

export interface Victims {
  database: ChaosDatabase;
  provider: ChaosProvider;
  service: ChaosService;
}

export interface Havoc {
  settings: ChaosSettings;
  victims: Victims;
  note: (kind: ChaosEvent['kind'], detail: string) => void;
  random: () => number;
  /** The part of the messages that is acknowledged, from 0 to 1. */
  progress: () => number;
  /** Ends everything, finished or not. */
  signal: AbortSignal;
}

/** Kills one worker after the other, the longest living first, until one more is enough or `signal` ends it. */
export async function killWorkers(
  { settings, victims, note, signal }: Havoc,
  isEnough: () => Promise<boolean>,
): Promise<void> {
  const { workers } = victims.service;
  let due = Date.now();
  for (let n = 0; ; n++) {
    due = Math.max(due + settings.killEveryMs, Date.now());
    await sleep(due - Date.now(), undefined, { signal }).catch(() => undefined);
    const worker = workers[n % workers.length];
    if (signal.aborted || !worker) return;
    const last = await isEnough();
    await worker.kill(() => note('worker killed', `worker-${(n % workers.length) + 1}`));
    await victims.provider.disorder(n % 2 === 0);
    if (last) return;
  }
}

/** Does one thing after the other, each when the clients are so far. */
export async function takeSteps(havoc: Havoc): Promise<void> {
  const { settings, progress, signal } = havoc;
  let outage = Promise.resolve();
  for (const { at, what } of settings.steps) {
    await until(() => signal.aborted || progress() >= at, `step ${what}`, settings.boundMs * 2);
    if (signal.aborted) break;
    if (what === 'kill api') await killApi(havoc);
    else if (what === 'restart database') await restartDatabase(havoc);
    else outage = providerAway(havoc);
  }
  await outage;
}

async function killApi({ victims, note }: Havoc): Promise<void> {
  await victims.service.api.kill(() => note('api killed', 'api'));
  await victims.service.ready();
}

async function restartDatabase({ victims, note }: Havoc): Promise<void> {
  await victims.database.crash(() => note('database down', 'immediate shutdown'));
  note('database up', 'on the same port');
}

async function providerAway({ settings, victims, note, random, signal }: Havoc): Promise<void> {
  const channel: Channel = random() < 0.5 ? 'sms' : 'email';
  note('provider away', channel);
  await victims.provider.misbehave(channel);
  const since = Date.now();
  await sleep(settings.outageMs, undefined, { signal }).catch(() => undefined);
  // An outage that nobody met would be none: workers may have just been starting.
  const met = async () => signal.aborted || (await victims.provider.struck(channel, since));
  await until(met, 'the outage is met', settings.boundMs * 2);
  await victims.provider.misbehave();
  note('provider back', channel);
}
