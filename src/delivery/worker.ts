import { setMaxListeners } from 'node:events';
import type pg from 'pg';
import type { Events } from '../observability/events.ts';
import type { ProviderRegistry } from '../providers/registry.ts';
import { type FreeSlots, isRetry } from './accounts/breaker.ts';
import { createBreakers } from './accounts/breakers.ts';
import { type AccountHealth, HealthMonitor } from './accounts/health.ts';
import { type Claim, claim, firstDue } from './claim.ts';
import { createDelivery } from './deliver.ts';
import { activateStalled, deleteOldKeys, leaveRemoved, moveTimed } from './maintenance.ts';
import type { Settlement } from './settle.ts';
import { createSettler } from './settler.ts';

export interface WorkerOptions {
  pool: pg.Pool;
  providers: ProviderRegistry;
  events: Events;
  /** Calls at a time at the most. */
  concurrency: number;
  /** Longer than any call can take, in milliseconds: when it ends, another worker takes the message over. */
  leaseMs: number;
  /** What of a lease may have passed before the call begins, in milliseconds. */
  marginMs: number;
  /** How long one request to a provider may take, in milliseconds. */
  timeoutMs: number;
  /** How long a stop waits for calls before it cuts them, in milliseconds. */
  patienceMs: number;
}

export interface Worker {
  start(): void;
  /** Says that something may be due. */
  wake(): void;
  /** Takes what is due and there is room for; resolves when it is on its way, with how many that were. */
  runOnce(): Promise<number>;
  /** The accounts, as this process knows them. */
  accounts(): AccountHealth[];
  /** Resolves when the calls in flight are settled. */
  idle(): Promise<void>;
  /**
   * No new claims; resolves when the calls in flight are settled, those that take too long as ones of which nobody
   * knows. Safe to call twice.
   */
  stop(): Promise<void>;
}

/** A notice can be lost, so the queue is looked at all the same. */
const POLL_MS = 1_000;
/** The least time between two looks where nothing calls for one. */
const LEAST_WAIT_MS = 5;
/** While this part of the calls that may be made is, more is taken only so often: a few at a time cost more than they bring. */
const FULL = 1 / 2;
const FULL_WAIT_MS = 50;
/**
 * Messages that had an attempt before take at most this part of the calls: if all of them hang until the timeout, the
 * others still leave.
 */
const RETRIES = 1 / 2;
/** How many messages, for each call that may be made, may wait to be settled. */
const UNSETTLED = 4;
/** UTF-16 units of the bodies that this worker has in memory, beyond which it claims nothing more. */
const MAX_LENGTH_IN_HAND = 32 * 1_048_576;
const MOVE_EVERY_MS = 50;
const LEAVE_EVERY_MS = 60_000;
const ACTIVATE_EVERY_MS = 30_000;
const DELETE_KEYS_EVERY_MS = 60_000;

/** Claims what is due, hands it to the providers, and settles what came back. */
export function createDispatcher({
  pool,
  providers,
  events,
  concurrency,
  leaseMs,
  marginMs,
  timeoutMs,
  patienceMs,
}: WorkerOptions): Worker {
  const settle = createSettler({ pool, events, leaseMs });
  const cutting = new AbortController();
  // One listener for each call in flight.
  setMaxListeners(0, cutting.signal);
  const health = new HealthMonitor(events);
  const breakers = createBreakers(providers, concurrency, health);
  const deliver = createDelivery({
    ...{ events, health, marginMs, timeoutMs },
    fallbackOf: breakers.fallbackOf,
    signal: cutting.signal,
  });
  const names = [...providers.sms, ...providers.email].map(({ name }) => name);
  const moving = atMostEvery(MOVE_EVERY_MS, () => moveTimed(pool, concurrency, events));
  const leaving = atMostEvery(LEAVE_EVERY_MS, () => leaveRemoved(pool, names, events));
  const activating = atMostEvery(ACTIVATE_EVERY_MS, () => activateStalled(pool));
  const deletingKeys = atMostEvery(DELETE_KEYS_EVERY_MS, () => deleteOldKeys(pool));
  const inHand = new Set<Promise<void>>();
  const calls: FreeSlots = { calls: 0, retries: 0 };
  let lengthInHand = 0;
  let alarm = Promise.withResolvers<void>();
  /** Resolves when no more than that part of the calls is being made. */
  let eased = Promise.withResolvers<void>();
  let loop: Promise<void> = Promise.resolve();
  let stopping: Promise<void> | undefined;

  function wake(): void {
    alarm.resolve();
  }

  async function runOnce(): Promise<number> {
    const free = {
      calls: Math.min(concurrency - calls.calls, concurrency * UNSETTLED - inHand.size),
      retries: Math.max(1, Math.floor(concurrency * RETRIES)) - calls.retries,
    };
    if (free.calls <= 0 || lengthInHand >= MAX_LENGTH_IN_HAND) return 0;
    const moved = (await moving()) ?? 0;
    await deletingKeys();
    const left = ((await leaving()) ?? 0) + ((await activating()) ?? 0);
    const claims = await claim(pool, breakers.routes(), free, leaseMs);
    for (const claimed of claims) {
      const { length } = claimed.message.body;
      lengthInHand += length;
      const delivery = handle(claimed).finally(() => {
        lengthInHand -= length;
        inHand.delete(delivery);
        events.deliveriesMeasured(inHand.size);
        wake();
      });
      inHand.add(delivery);
    }
    events.deliveriesMeasured(inHand.size);
    return moved + left + claims.length;
  }

  async function handle(claimed: Claim): Promise<void> {
    const retries = isRetry(claimed.message) ? 1 : 0;
    calls.calls++;
    calls.retries += retries;
    const settlement = await deliver(claimed).finally(() => {
      calls.calls--;
      calls.retries -= retries;
      if (calls.calls <= concurrency * FULL) eased.resolve();
      wake();
    });
    await settle(settlement);
    tell(settlement);
  }

  function tell({ message, provider: { channel }, transition: { status, error } }: Settlement): void {
    if (status === 'sent')
      events.sent(channel, Date.now() - (message.send_at ?? message.created_at).getTime());
    else if (status !== 'queued' && error)
      events.gaveUp({ messageId: message.id, channel, status, code: error.code });
  }

  async function run(): Promise<void> {
    while (!stopping) {
      alarm = Promise.withResolvers();
      const taken = await runOnce().catch((error) => {
        events.failed('claim', error);
        return 0;
      });
      await either(alarm.promise, taken > 0 ? POLL_MS : await untilNext());
      if (calls.calls <= concurrency * FULL) continue;
      eased = Promise.withResolvers();
      await either(eased.promise, FULL_WAIT_MS);
    }
  }

  /** Milliseconds until a message is due, or a provider that is away may be called. */
  async function untilNext(): Promise<number> {
    const due = await firstDue(pool, breakers.routes()).catch(() => null);
    return Math.max(LEAST_WAIT_MS, Math.min(POLL_MS, due ?? POLL_MS, breakers.retryInMs()));
  }

  async function end(): Promise<void> {
    wake();
    await loop;
    const patience = setTimeout(() => cutting.abort(new Error('The service was stopped')), patienceMs);
    await idle();
    clearTimeout(patience);
  }

  const idle = async () => void (await Promise.all(inHand));
  return {
    wake,
    runOnce,
    accounts: () => health.accounts(),
    idle,
    start: () => {
      loop = run();
    },
    stop: () => {
      stopping ??= end();
      return stopping;
    },
  };
}

/** Resolves with the promise, or after so many milliseconds. */
async function either(promise: Promise<void>, ms: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([promise, late.promise]);
  clearTimeout(timer);
}

/** The work, or null where the last time is less than so long ago. */
function atMostEvery<T>(ms: number, work: () => Promise<T>): () => Promise<T | null> {
  let last = Number.NEGATIVE_INFINITY;
  return async () => {
    if (performance.now() - last < ms) return null;
    last = performance.now();
    return work();
  };
}
