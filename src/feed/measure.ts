import type pg from 'pg';
import { shareRunning } from '../db/batch/share-running.ts';
import type { FeedBacklog } from '../observability/feed-metrics.ts';

const MEASURE = {
  name: 'measure-feed',
  text: `
    select count(*)::int as waiting,
      coalesce(extract(epoch from statement_timestamp() - min(created_at)), 0)::float8 as oldest_seconds
    from (select created_at from event_inbox order by id limit 100000) as oldest`,
};

/** Returns a function that measures the events without a position, once for all callers at the same time. */
export function createFeedMeasure(pool: pg.Pool): () => Promise<FeedBacklog> {
  return shareRunning(async () => (await pool.query<FeedBacklog>(MEASURE)).rows[0] as FeedBacklog);
}
