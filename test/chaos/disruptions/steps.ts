import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../support/until.ts';
import type { Channel } from '../provider.ts';
import { cutOffWorker } from './cut-off.ts';
import type { DisruptionOptions } from './options.ts';

/** Kills processes in rotation, except spared workers, until `signal` is aborted, or once more after `isDrained` returns true. */
export async function killInRotation(
  { settings, targets, note, signal }: DisruptionOptions,
  isDrained: () => Promise<boolean>,
): Promise<void> {
  const { workers, apis } = targets.service;
  const rotation = [
    ...workers.map((process_, n) => ({ process_, kind: 'worker killed' as const, name: `worker-${n + 1}` })),
    ...apis.map((process_, n) => ({ process_, kind: 'api killed' as const, name: `api-${n + 1}` })),
  ].slice(0, settings.killed === 'all' ? undefined : workers.length);
  let due = Date.now();
  for (let n = 0; ; n++) {
    due = Math.max(due + settings.killEveryMs, Date.now());
    await sleep(due - Date.now(), undefined, { signal }).catch(() => undefined);
    const { spared } = targets.service;
    if (signal.aborted) return;
    if (spared === 'all') continue;
    const number = n % rotation.length === 0 && spared === 'first' ? 1 : n % rotation.length;
    const next = rotation[number];
    if (!next) return;
    const last = await isDrained();
    await next.process_.kill(() => note(next.kind, next.name));
    await targets.provider.disorder(n % 2 === 0);
    if (last) return;
  }
}

/** Runs the steps in order, each when its share of the messages is acknowledged. */
export async function runSteps(options: DisruptionOptions): Promise<void> {
  const { settings, progress, signal } = options;
  const background: Promise<void>[] = [];
  for (const { at, action } of settings.steps) {
    await until(
      () => signal.aborted || progress() >= at,
      `the share of messages for "${action}"`,
      settings.timeLimitMs * 2,
    );
    if (signal.aborted) break;
    if (action === 'kill api') await killApi(options);
    else if (action === 'restart database') await restartDatabase(options);
    else if (action === 'cut off worker') background.push((await cutOffWorker(options)).restored);
    else background.push(takeProviderDown(options));
  }
  await Promise.all(background);
}

async function killApi({ targets, note }: DisruptionOptions): Promise<void> {
  await targets.service.apis[0]?.kill(() => note('api killed', 'api'));
  await targets.service.ready();
}

async function restartDatabase({ targets, note }: DisruptionOptions): Promise<void> {
  await targets.database.crash(() => note('database down', 'immediate shutdown'));
  note('database up', 'on the same port');
}

async function takeProviderDown({
  settings,
  targets,
  note,
  random,
  signal,
}: DisruptionOptions): Promise<void> {
  const channels = Object.keys(settings.modes) as Channel[];
  const channel = channels[Math.floor(random() * channels.length)] as Channel;
  note('provider down', channel);
  await targets.provider.setFaults(channel);
  const since = Date.now();
  await sleep(settings.outageMs, undefined, { signal }).catch(() => undefined);
  // An outage without a call proves nothing: all workers may have been starting.
  const hasFailed = async () => signal.aborted || (await targets.provider.hadFault(channel, since));
  await until(hasFailed, 'a call fails because of the outage', settings.timeLimitMs * 2);
  await targets.provider.setFaults();
  note('provider up', channel);
}
