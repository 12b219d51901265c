import type pg from 'pg';
import type { QueueLength } from '../observability/metrics.ts';

/** Pending messages by channel and status, from a scan of the partial index of pending deliveries. */
const MEASURE = {
  name: 'measure-queue',
  text: `
    select channel, status, count(*) as messages,
      extract(epoch from statement_timestamp() - min(greatest(created_at, send_at)))::float8 as oldest_seconds
    from deliveries where pending group by channel, status`,
};

export async function measureQueue(pool: pg.Pool): Promise<QueueLength[]> {
  return (await pool.query<QueueLength>(MEASURE)).rows;
}
