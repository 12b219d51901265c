import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { coalesce } from '../db/batch/coalesce.ts';
import { retrySingly } from '../db/batch/retry-singly.ts';
import { UnavailableError } from '../errors.ts';
import type { Events } from '../observability/events.ts';
import { type Settlement, settleTogether } from './settle.ts';

export interface SettlerOptions {
  pool: pg.Pool;
  events: Events;
  /** How long a message is this worker's, in milliseconds. */
  leaseMs: number;
}

const LIMITS = { maxBatch: 256, maxQueue: Number.POSITIVE_INFINITY, parallel: 1 };
const RETRY_MS = 250;

/**
 * Settles attempts in batches. While the database is unavailable, a settlement is repeated without a limit, because only
 * this worker knows the outcome of the attempt. A settlement that the database refuses is repeated until the end of the
 * lease, when another worker may claim the message.
 */
export function createSettler({ pool, events, leaseMs }: SettlerOptions) {
  const settling = coalesce(
    retrySingly((settlements: Settlement[]) => settleTogether(pool, settlements)),
    LIMITS,
  );
  return async function settle(settlement: Settlement): Promise<void> {
    const deadline = settlement.startedAt.getTime() + leaseMs;
    for (;;) {
      try {
        return await settling.add(settlement);
      } catch (error) {
        events.failed('settle', error);
        if (!(error instanceof UnavailableError) && Date.now() > deadline) return;
        await sleep(RETRY_MS);
      }
    }
  };
}
