import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { storedFunction } from '../db/functions.ts';
import { execute } from '../db/transaction.ts';
import type { Events } from '../observability/events.ts';
import { resolvedOrAfter } from '../outbox/claim-loop.ts';

/** Gives committed events their positions. Every process has a sequencer; one of them moves events at a time. */
export interface Sequencer {
  /** Called after the commit of an event of this process. */
  wake(): void;
  stop(): Promise<void>;
}

/** Max events of one transaction, whose time delays the other processes. */
const BATCH = 1_000;
/** Events of a process that died are moved by the poll of another process. */
const POLL_MS = 1_000;
/** The pause while another process moves events, which may have begun before the commit of this process. */
const RETRY_MS = 10;
/** The pause before a transaction after a commit, so that it moves many events. */
const PAUSE_MS = 10;
/** The interval of transactions under load: each costs about as much as moving twenty events, and so do the reads after it. */
const BUSY_MS = 40;

const SEQUENCE = {
  name: 'sequence-events',
  text: `select is_current, moved from ${storedFunction('sequence_events')}(${BATCH})`,
};

export function startSequencer(pool: pg.Pool, events: Events): Sequencer {
  const stopping = new AbortController();
  const { signal } = stopping;
  let woken = Promise.withResolvers<void>();
  const pause = (ms: number) => sleep(ms, undefined, { signal }).catch(() => undefined);

  async function move(): Promise<'all' | 'some' | 'busy'> {
    const { rows } = await execute<{ is_current: boolean; moved: number | null }>(pool, SEQUENCE, []);
    const [{ is_current, moved } = { is_current: false, moved: 0 }] = rows;
    if (!is_current) return 'busy';
    return (moved ?? 0) < BATCH ? 'all' : 'some';
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      woken = Promise.withResolvers();
      const began = performance.now();
      const moved = await move().catch((error) => {
        events.failed('sequence_events', error);
        return pause(POLL_MS);
      });
      if (moved === 'busy') await pause(RETRY_MS);
      else if (moved !== 'some') {
        await resolvedOrAfter(woken.promise, POLL_MS);
        await pause(Math.max(PAUSE_MS, began + BUSY_MS - performance.now()));
      }
    }
  }

  const running = run();
  return {
    wake: () => woken.resolve(),
    stop: async () => {
      stopping.abort();
      woken.resolve();
      await running;
    },
  };
}
