import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { storedFunction } from '../../db/functions.ts';
import { UnavailableError } from '../../errors.ts';

/** Conversations that one step looks at, at most. The function also ends a step by time. */
const BATCH = 100;
/** How long a request waits until all conversations are regrouped. */
const PATIENCE_MS = 10_000;
/**
 * The pause after a step that found a conversation locked; it doubles each time. A step holds the lock of linking for
 * up to 25 ms, so other transactions get it for most of the time.
 */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;
/** SQLSTATE of a lock timeout, a deadlock and a serialization failure. */
const LOST = new Set(['55P03', '40P01', '40001']);
/** How often a process looks for regroupings that a request or another process did not finish. */
const LOOK_EVERY_MS = 5_000;
/** How long a stop waits for the step that runs. */
const STOP_MS = 1_000;

/**
 * Runs `change` and regroups the conversations of the participants that it resolves with. The first conversations are
 * regrouped in the same transaction, so that a person with few conversations changes at once; the others in transactions
 * of their own.
 *
 * @throws {UnavailableError} not all are regrouped yet; `change` may have been committed.
 */
export async function regroupAfter(
  knex: Knex,
  change: (trx: Knex.Transaction) => Promise<number[]>,
): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  const { members, left } = await whileLost(deadline, () =>
    knex.transaction(async (trx) => {
      const members = await change(trx);
      return { members, left: await regroupNext(trx, members) };
    }),
  );
  let isLeft = left;
  while (isLeft) {
    if (Date.now() > deadline) throw new UnavailableError('Conversations are still being regrouped.');
    isLeft = await whileLost(deadline, () => knex.transaction((trx) => regroupNext(trx, members)));
  }
}

/** Runs one step for these participants, or for all if null. Resolves with whether conversations are left. */
async function regroupNext(trx: Knex, participantIds: number[] | null): Promise<boolean> {
  const { rows } = await trx.raw<{ rows: { left: boolean }[] }>(
    `select ${storedFunction('continue_regrouping')}(?, ?) as left`,
    [BATCH, participantIds],
  );
  return rows[0]?.left === true;
}

async function whileLost<T>(deadline: number, work: () => Promise<T>): Promise<T> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!isLost(error)) throw error;
      if (Date.now() > deadline)
        throw new UnavailableError('A conversation of these participants is locked.', { cause: error });
      await sleep(pause);
    }
  }
}

function isLost(error: unknown): boolean {
  const { code, nativeError } = error as { code?: string; nativeError?: { code?: string } };
  return LOST.has(nativeError?.code ?? code ?? '');
}

/** Continues, in the background, regroupings that a request did not finish in time or whose process died. */
export function finishRegrouping(knex: Knex, onError: (error: unknown) => void): { stop(): Promise<void> } {
  let stopping = false;
  let looking: Promise<void> | null = null;
  const look = async () => {
    const { rows } = await knex.raw<{ rows: object[] }>('select from pending_regroupings limit 1');
    let left = rows.length > 0;
    while (left && !stopping)
      left = await whileLost(Date.now() + PATIENCE_MS, () =>
        knex.transaction((trx) => regroupNext(trx, null)),
      );
  };
  const timer = setInterval(() => {
    looking ??= look()
      .catch(onError)
      .finally(() => {
        looking = null;
      });
  }, LOOK_EVERY_MS);
  return {
    stop: async () => {
      stopping = true;
      clearInterval(timer);
      // An unresponsive database must not delay the stop; another process or a restart continues.
      await Promise.race([looking, sleep(STOP_MS, undefined, { ref: false })]);
    },
  };
}
