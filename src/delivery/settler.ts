import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { coalesce } from '../db/coalesce.ts';
import { isolating } from '../db/isolate.ts';
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
 * Settles attempts, those that end at about the same time together. Each is tried until the database has it, however
 * long it is away: nobody else can tell what became of the attempt. What it will not have is given up with the lease,
 * when the message is somebody else's.
 */
export function createSettler({ pool, events, leaseMs }: SettlerOptions) {
  const settling = coalesce(
    isolating((settlements: Settlement[]) => settleTogether(pool, settlements)),
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
