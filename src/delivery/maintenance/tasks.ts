import type pg from 'pg';
import type { HashAddress } from '../../consent/key.ts';
import type { Events } from '../../observability/events.ts';
import { createHeadActivation } from './activate-heads.ts';
import type { BackgroundTask } from './background.ts';
import { queueAndExpire } from './due-messages.ts';
import { deleteOldKeys } from './old-keys.ts';
import { createRetryAfterStart } from './operator-errors.ts';
import { createUnmatchedReport } from './receipts-without-message.ts';
import { addRecipientHashes } from './recipient-hashes.ts';
import { reassignFromRemoved } from './removed-accounts.ts';

const QUEUE_AND_EXPIRE_EVERY_MS = 50;
const REASSIGN_EVERY_MS = 10_000;
const ACTIVATE_EVERY_MS = 30_000;
const DELETE_KEYS_EVERY_MS = 60_000;
const REPORT_RECEIPTS_EVERY_MS = 60_000;
/** Messages of the previous version wait for their hashes. */
const ADD_HASHES_EVERY_MS = 1_000;
/** The pause before another attempt if the database was not available at the start. */
const RETRY_AFTER_START_EVERY_MS = 10_000;

/**
 * The periodic tasks of a worker that run before a claim.
 *
 * @param providers the configured accounts.
 * @param limit max conversations that are queued, and max that expire, in one run.
 * @returns a function that runs the tasks that are due, and returns the number of changed conversations.
 */
export function createMaintenance(
  pool: pg.Pool,
  providers: string[],
  limit: number,
  events: Events,
): () => Promise<number> {
  const tasks = [
    atMostEvery(QUEUE_AND_EXPIRE_EVERY_MS, () => queueAndExpire(pool, limit, events)),
    atMostEvery(REASSIGN_EVERY_MS, () => reassignFromRemoved(pool, providers, events)),
  ];
  return async () => {
    let changed = 0;
    for (const task of tasks) changed += await task();
    return changed;
  };
}

/** The periodic tasks of a worker that run beside the claims. */
export function backgroundTasks(
  pool: pg.Pool,
  accounts: readonly { name: string; channel: string }[],
  hashAddress: HashAddress,
  events: Events,
): BackgroundTask[] {
  return [
    { everyMs: ADD_HASHES_EVERY_MS, step: () => addRecipientHashes(pool, hashAddress) },
    { everyMs: RETRY_AFTER_START_EVERY_MS, step: createRetryAfterStart(pool, accounts) },
    { everyMs: DELETE_KEYS_EVERY_MS, step: () => deleteOldKeys(pool) },
    { everyMs: ACTIVATE_EVERY_MS, step: createHeadActivation(pool) },
    { everyMs: REPORT_RECEIPTS_EVERY_MS, step: createUnmatchedReport(pool, events) },
  ];
}

/** Runs the work, or returns 0 if the last run began less than `ms` milliseconds ago. */
function atMostEvery(ms: number, work: () => Promise<number>): () => Promise<number> {
  let last = Number.NEGATIVE_INFINITY;
  return async () => {
    if (performance.now() - last < ms) return 0;
    last = performance.now();
    return work();
  };
}
