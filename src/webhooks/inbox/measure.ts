import type pg from 'pg';
import { shareRunning } from '../../db/batch/share-running.ts';
import { storedFunction } from '../../db/functions.ts';
import type { InboxLength } from '../../observability/inbox-metrics.ts';
import { MAX_ENTRIES } from './inbox.ts';

/** How long a result is reused. */
const REUSE_MS = 5_000;

const MEASURE = {
  name: 'measure-inbox',
  text: `select * from ${storedFunction('measure_inbox')}(${2 * MAX_ENTRIES})`,
};

/** Returns a function that measures the inbox, at most once in `REUSE_MS` for all callers. */
export function createInboxMeasure(pool: pg.Pool): () => Promise<InboxLength[]> {
  return shareRunning(async () => (await pool.query<InboxLength>(MEASURE)).rows, REUSE_MS);
}
