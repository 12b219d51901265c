import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { sqlState } from '../../db/availability.ts';
import { storedFunction } from '../../db/functions.ts';
import { UnavailableError } from '../../errors.ts';

/** Maximum conversations of one step. `continue_regrouping` in SQL also limits the time of a step. */
const BATCH = 100;
/** Maximum time of a request until all conversations are regrouped. */
const REQUEST_TIMEOUT_MS = 10_000;
/**
 * The pause after a step that failed because of a locked conversation; the pause doubles each time. A step holds the lock on
 * links for up to 25 ms, so the lock is free for most of the time.
 */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;
/** SQLSTATE of a lock timeout, a deadlock and a serialization failure. */
const LOCK_FAILURES = new Set(['55P03', '40P01', '40001']);
/** The interval of the search for regroupings that a request or another process did not finish. */
const POLL_MS = 5_000;
/** Maximum time that a stop waits for the running step. */
const STOP_TIMEOUT_MS = 1_000;

/**
 * Runs `change` and regroups the conversations of the participants that `change` resolves with. The first conversations are
 * regrouped in the same transaction, so that a person with few conversations changes atomically; the other conversations
 * are regrouped in later transactions.
 *
 * @throws {UnavailableError} if not all conversations are regrouped yet; `change` may have been committed.
 */
export async function regroupAfter(
  knex: Knex,
  change: (trx: Knex.Transaction) => Promise<number[]>,
): Promise<void> {
  const deadline = Date.now() + REQUEST_TIMEOUT_MS;
  let { members, remaining } = await retryLocked(deadline, () =>
    knex.transaction(async (trx) => {
      const members = await change(trx);
      return { members, remaining: await regroupNext(trx, members) };
    }),
  );
  while (remaining) {
    if (Date.now() > deadline) throw new UnavailableError('Conversations are still being regrouped.');
    remaining = await retryLocked(deadline, () => knex.transaction((trx) => regroupNext(trx, members)));
  }
}

/** Runs one step for these participants; null for all participants. Resolves with whether conversations remain. */
async function regroupNext(trx: Knex, participantIds: number[] | null): Promise<boolean> {
  const { rows } = await trx.raw<{ rows: { remaining: boolean }[] }>(
    `select ${storedFunction('continue_regrouping')}(?, ?) as remaining`,
    [BATCH, participantIds],
  );
  return rows[0]?.remaining === true;
}

/**
 * Repeats `work` while it fails because of locks.
 *
 * @throws {UnavailableError} after the deadline.
 */
async function retryLocked<T>(deadline: number, work: () => Promise<T>): Promise<T> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!LOCK_FAILURES.has(sqlState(error) ?? '')) throw error;
      if (Date.now() > deadline)
        throw new UnavailableError('A conversation of these participants is locked.', { cause: error });
      await sleep(pause);
    }
  }
}

/** Continues regroupings in the background if their request timed out or their process died. */
export function finishRegrouping(knex: Knex, onError: (error: unknown) => void): { stop(): Promise<void> } {
  let stopping = false;
  let running: Promise<void> | null = null;
  const regroup = async () => {
    const { rows } = await knex.raw<{ rows: object[] }>('select from pending_regroupings limit 1');
    let remaining = rows.length > 0;
    while (remaining && !stopping)
      remaining = await retryLocked(Date.now() + REQUEST_TIMEOUT_MS, () =>
        knex.transaction((trx) => regroupNext(trx, null)),
      );
  };
  const timer = setInterval(() => {
    running ??= regroup()
      .catch(onError)
      .finally(() => {
        running = null;
      });
  }, POLL_MS);
  return {
    stop: async () => {
      stopping = true;
      clearInterval(timer);
      // An unresponsive database must not delay the stop; another process or a restart continues.
      await Promise.race([running, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
    },
  };
}
