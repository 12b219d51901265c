import type pg from 'pg';
import { shareRunning } from '../db/batch/share-running.ts';
import type { InboxLength } from '../observability/inbox-metrics.ts';

/** How long a result is reused. */
const REUSE_MS = 5_000;

const MEASURE = {
  name: 'measure-inbox',
  text: `
    select account, state, count(*) as webhooks,
      extract(epoch from statement_timestamp() - min(received_at))::float8 as oldest_seconds
    from webhook_inbox group by account, state`,
};

/** Returns a function that measures the inbox, at most once in `REUSE_MS` for all callers. */
export function createInboxMeasure(pool: pg.Pool): () => Promise<InboxLength[]> {
  return shareRunning(async () => (await pool.query<InboxLength>(MEASURE)).rows, REUSE_MS);
}
