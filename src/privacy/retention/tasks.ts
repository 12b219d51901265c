import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { RetentionDays } from '../../config/config.ts';
import { storedFunction } from '../../db/functions.ts';
import { execute } from '../../db/transaction.ts';
import { removeErasedObjects } from '../../media/erased-objects.ts';
import type { MediaStore } from '../../media/store.ts';
import type { Events } from '../../observability/events.ts';
import { BatchSize } from './batch-size.ts';

const EVERY_MS = 5_000;
/** After a step, the database works for other requests only, for this multiple of the time of the step. */
const PAUSE_FACTOR = 3;
const MAX_PAUSE_MS = 1_000;
const UNASSIGNED_PER_STEP = 500;

/** Each returns the number of changed messages or files, and whether more remain; null if another process has the task. */
const STATEMENTS = {
  bodies: expire('expire_bodies'),
  messages: expire('expire_messages'),
  media: expire('expire_files'),
};

const EXPIRE_UNASSIGNED = {
  name: 'expire-unassigned',
  text: `
    select ${storedFunction('expire_unassigned')}(now() - $1 * interval '1 day', ${UNASSIGNED_PER_STEP}) as remains`,
};

function expire(name: string) {
  return {
    name: name.replaceAll('_', '-'),
    text: `select changed, remains from ${storedFunction(name)}(now() - $1 * interval '1 day', $2)`,
  };
}

export interface RetentionContext {
  pool: pg.Pool;
  store: MediaStore;
  events: Pick<Events, 'retained'>;
}

/** The periodic tasks of the retention. Several processes may have them; one of them does each task at a time. */
export function retentionTasks(context: RetentionContext, days: RetentionDays) {
  const tasks = (['bodies', 'messages', 'media'] as const).flatMap((name) => {
    const age = days[name];
    return age === null ? [] : [{ everyMs: EVERY_MS, step: retentionStep(context, name, age) }];
  });
  const ages = [days.bodies, days.messages].filter((age) => age !== null);
  if (ages.length === 0) return tasks;
  const unassigned = () => expireUnassigned(context.pool, Math.min(...ages));
  return [...tasks, { everyMs: 60_000, step: unassigned }];
}

/** A step changes a batch, whose size keeps the locks of a step short, and then pauses. */
function retentionStep({ pool, store, events }: RetentionContext, name: keyof RetentionDays, days: number) {
  const batch = new BatchSize();
  return async (): Promise<boolean> => {
    const startedAt = performance.now();
    const { rows } = await execute<{ changed: number | null; remains: boolean }>(pool, STATEMENTS[name], [
      days,
      batch.size,
    ]);
    const elapsedMs = performance.now() - startedAt;
    batch.adapt(elapsedMs);
    const [{ changed, remains } = { changed: null, remains: false }] = rows;
    if (changed === null) return false;
    events.retained(name, changed);
    await removeErasedObjects(pool, store);
    if (remains) await sleep(Math.min(elapsedMs * PAUSE_FACTOR, MAX_PAUSE_MS));
    return remains;
  };
}

/** Deletes old receipts without a message, and the records of copies of old messages. Resolves with whether more remain. */
async function expireUnassigned(pool: pg.Pool, days: number): Promise<boolean> {
  const { rows } = await execute<{ remains: boolean }>(pool, EXPIRE_UNASSIGNED, [days]);
  return rows[0]?.remains === true;
}
