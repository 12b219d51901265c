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
const PAUSE_FACTOR = 5;
const MAX_PAUSE_MS = 500;
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

/**
 * The periodic task of the retention, without configured ages none. Several processes may have it; one of them does each part at a time.
 * The parts take turns, so that they use one connection of the worker.
 */
export function retentionTasks(context: RetentionContext, days: RetentionDays) {
  const steps = (['bodies', 'messages', 'media'] as const).flatMap((name) => {
    const age = days[name];
    return age === null ? [] : [retentionStep(context, name, age)];
  });
  const ages = [days.bodies, days.messages].filter((age) => age !== null);
  if (ages.length > 0) steps.push(() => expireUnassigned(context.pool, Math.min(...ages)));
  const step = async () => {
    let remains = false;
    for (const part of steps) remains = (await part()) || remains;
    return remains;
  };
  return steps.length > 0 ? [{ everyMs: EVERY_MS, step }] : [];
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
