import type pg from 'pg';
import { shareRunning } from '../db/batch/share-running.ts';
import type { QueueLength } from '../observability/metrics.ts';

/** How long a result is reused: the scan of a long queue takes a long time. */
const REUSE_MS = 5_000;

/** Pending messages by channel and status, from a scan of the partial index of pending deliveries. */
const MEASURE = {
  name: 'measure-queue',
  text: `
    select channel, status, count(*) as messages,
      extract(epoch from statement_timestamp() - min(greatest(created_at, send_at)))::float8 as oldest_seconds
    from deliveries where pending group by channel, status`,
};

/** Returns a function that measures the queue, at most once in `REUSE_MS` for all callers. */
export function createQueueMeasure(pool: pg.Pool): () => Promise<QueueLength[]> {
  return shareRunning(async () => (await pool.query<QueueLength>(MEASURE)).rows, REUSE_MS);
}
