import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../support/until.ts';
import { type Claim, countPending, readClaims, readHeld, readProviders } from '../checker/collect.ts';
import type { Call } from '../checker/evidence.ts';
import { keyOf } from '../checker/facts.ts';
import { FAILING_ADDRESSES } from '../failing.ts';
import type { DisruptionOptions, Targets } from './options.ts';

/** A call of a killed worker can arrive at the provider after its death. */
const SETTLED_MS = 500;
const POLL_MS = 250;

/**
 * Reaches the dangerous states of leases. All calls take long, and all callbacks are lost. The first worker is killed during
 * calls; then it loses its connection to the database during calls. The connection returns when the leases of these calls
 * have expired and other workers have taken the messages over, so that the responses are recorded too late.
 *
 * @returns when the calls have ended. The inner promise resolves when the connection has returned.
 */
export async function cutOffWorker(options: DisruptionOptions): Promise<{ restored: Promise<void> }> {
  const { service, provider } = options.targets;
  const { note } = options;
  service.spared = 'all';
  await provider.hold();
  const kill = async () => {
    await service.workers[0]?.kill(() => note('worker killed', 'worker-1, during calls'));
    cut(options);
  };
  await interruptFirst(options, kill, async (claims) => claims.length > 0);
  const claims = await interruptFirst(options, async () => cut(options), isAnyAccepted(options));
  service.spared = 'first';
  await provider.release();
  return { restored: restore(options, claims) };
}

/**
 * Interrupts the first worker during calls. The other workers are killed before: until they have started again, all calls
 * are those of the first worker.
 *
 * @param isReached whether these claims, which the worker has not settled, are those wanted; their calls were made since this
 *   time, in milliseconds since 1970. If not, it is interrupted again.
 * @returns the claims; any if no message was pending.
 */
async function interruptFirst(
  options: DisruptionOptions,
  interrupt: () => Promise<void>,
  isReached: (claims: Claim[], since: number) => Promise<boolean>,
): Promise<Claim[]> {
  const { settings, targets, note, signal } = options;
  const { service, database } = targets;
  const [, ...others] = service.workers;
  const limitMs = settings.timeLimitMs * 2;
  const isOver = async () =>
    signal.aborted || (await countPending(database.url).catch(() => Number.POSITIVE_INFINITY)) === 0;
  for (;;) {
    reconnect(options);
    const isConnected = () => signal.aborted || service.connection.isOpen();
    await until(isConnected, 'the first worker is connected', limitMs);
    await Promise.all(others.map((worker, n) => worker.kill(() => note('worker killed', `worker-${n + 2}`))));
    const since = Date.now() + SETTLED_MS;
    const hasCall = async () => (await isSending(options, since)) || (await isOver());
    await until(hasCall, 'a call to a recipient for whom the provider does not fail is in flight', limitMs);
    await interrupt();
    const begun = await readClaims(database.url, since).catch(() => []);
    // The calls in flight end, and any other worker settles them.
    await sleep(2 * settings.providerTimeoutMs);
    const claims = await readHeld(database.url, begun).catch(() => []);
    if ((await isReached(claims, since)) || (await isOver())) return claims;
  }
}

/** Whether a message is being sent that was not sent before, to a recipient for whom the provider does not fail. */
async function isSending({ targets }: DisruptionOptions, since: number): Promise<boolean> {
  const claims = await readClaims(targets.database.url, since, FAILING_ADDRESSES).catch(() => []);
  const sends = claims.filter(({ may_have_been_sent }) => !may_have_been_sent);
  return (await callsOf(targets, sends, since)).length > 0;
}

/** Whether the provider accepted a call of one of these claims, and responded in time. */
function isAnyAccepted({ targets }: DisruptionOptions) {
  return async (claims: Claim[], since: number): Promise<boolean> => {
    const calls = await callsOf(targets, claims, since);
    return calls.some(({ message_id, fault }) => message_id !== null && fault === 'latency');
  };
}

/** The calls of these claims. Calls before `since` are of earlier claims, after which a claim may only look its message up. */
async function callsOf({ provider }: Targets, claims: Claim[], since: number): Promise<Call[]> {
  if (claims.length === 0) return [];
  const keys = new Set(claims.map(({ delivery_key }) => delivery_key));
  const { calls } = await readProviders(provider.url);
  return calls.filter((call) => call.at >= since && keys.has(keyOf(call)));
}

async function restore(options: DisruptionOptions, claims: Claim[]): Promise<void> {
  const { service, database } = options.targets;
  const { signal } = options;
  const isHeld = async () => (await readHeld(database.url, claims).catch(() => claims)).length > 0;
  while (!signal.aborted && (await isHeld())) await sleep(POLL_MS);
  reconnect(options);
  service.spared = 'none';
}

/** A worker that is starting exits without its connection, so every cut is noted. */
function cut({ targets, note }: DisruptionOptions): void {
  note('worker cut off', 'worker-1');
  targets.service.connection.cut();
}

function reconnect({ targets, note }: DisruptionOptions): void {
  targets.service.connection.restore();
  note('worker connected again', 'worker-1');
}
