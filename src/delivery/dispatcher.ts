import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { coalesce } from '../db/coalesce.ts';
import { isolating } from '../db/isolate.ts';
import type { Events } from '../observability/events.ts';
import type { ProviderRegistry } from '../providers/registry.ts';
import { attempt } from './attempt.ts';
import { type Claimed, claim, queueScheduled } from './claim.ts';
import { judge, type Settlement, settleTogether } from './settle.ts';

export interface DispatcherOptions {
  pool: pg.Pool;
  providers: ProviderRegistry;
  events: Events;
  /** Messages in this worker's hands at the most. */
  concurrency: number;
  /** Longer than any call can take, in milliseconds: when it ends, another worker takes the message over. */
  leaseMs: number;
}

export interface Dispatcher {
  start(): void;
  /** Says that something may be due. */
  wake(): void;
  /** Takes what is due and there is room for; resolves when it is on its way, with how many that were. */
  runOnce(): Promise<number>;
  /** No new claims; resolves when the calls in flight are settled. */
  stop(): Promise<void>;
}

/** A notice can be lost, so the queue is looked at all the same. */
const POLL_MS = 1_000;
const SETTLE_LIMITS = { maxBatch: 256, maxQueue: Number.POSITIVE_INFINITY, parallel: 2 };
const SETTLE_RETRY_MS = 250;

/** Claims what is due, hands it to the providers, and settles what came back. */
export function createDispatcher({
  pool,
  providers,
  events,
  concurrency,
  leaseMs,
}: DispatcherOptions): Dispatcher {
  const settling = coalesce(
    isolating((settlements: Settlement[]) => settleTogether(pool, settlements)),
    SETTLE_LIMITS,
  );
  const inFlight = new Set<Promise<void>>();
  const names = { sms: providers.first('sms').name, email: providers.first('email').name };
  let alarm = Promise.withResolvers<void>();
  let loop: Promise<void> = Promise.resolve();
  let stopping = false;

  function wake(): void {
    alarm.resolve();
  }

  async function runOnce(): Promise<number> {
    const room = concurrency - inFlight.size;
    if (room <= 0) return 0;
    const queued = await queueScheduled(pool, room);
    const claimed = await claim(pool, room, leaseMs, names);
    for (const message of claimed) {
      const delivery = deliver(message).finally(() => {
        inFlight.delete(delivery);
        events.queueMeasured(inFlight.size);
        wake();
      });
      inFlight.add(delivery);
    }
    events.queueMeasured(inFlight.size);
    return queued + claimed.length;
  }

  async function deliver(message: Claimed): Promise<void> {
    const provider =
      providers.byName(message.provider ?? '') ?? providers.first(message.type === 'email' ? 'email' : 'sms');
    const startedAt = new Date();
    const started = performance.now();
    const outcome = await attempt(provider, message);
    const durationMs = Math.round((performance.now() - started) * 100) / 100;
    const verdict = judge({
      message,
      outcome,
      canBeClearedUp: provider.canBeClearedUp,
      now: new Date(),
      random: Math.random(),
    });
    events.attempted({
      messageId: message.id,
      number: message.attempt_count,
      provider: provider.name,
      outcome: outcome.outcome,
      code: outcome.outcome === 'accepted' ? null : outcome.code,
      seconds: durationMs / 1_000,
    });
    await settle({ message, provider: provider.name, startedAt, durationMs, outcome, verdict });
  }

  /** Tried for as long as the lease lasts; after that the message is somebody else's and this attempt's story is lost. */
  async function settle(settlement: Settlement): Promise<void> {
    const deadline = settlement.startedAt.getTime() + leaseMs;
    for (;;) {
      try {
        return await settling.add(settlement);
      } catch (error) {
        events.failed('settle', error);
        if (Date.now() > deadline) return;
        await sleep(SETTLE_RETRY_MS);
      }
    }
  }

  async function run(): Promise<void> {
    while (!stopping) {
      alarm = Promise.withResolvers();
      const taken = await runOnce().catch((error) => {
        events.failed('claim', error);
        return 0;
      });
      if (taken > 0 && inFlight.size < concurrency) continue;
      const timer = setTimeout(wake, POLL_MS);
      await alarm.promise;
      clearTimeout(timer);
    }
  }

  return {
    wake,
    runOnce,
    start: () => {
      loop = run();
    },
    stop: async () => {
      stopping = true;
      wake();
      await loop;
      await Promise.all(inFlight);
    },
  };
}
