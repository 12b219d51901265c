import type pg from 'pg';
import { shareRunning } from '../../db/batch/share-running.ts';
import type { RunningErasures } from '../../observability/privacy-events.ts';

const MEASURE = {
  name: 'measure-erasures',
  text: `
    select count(*)::int as erasures, coalesce(extract(epoch from now() - min(requested_at)), 0)::float8 as oldest_seconds
    from erasures where state = 'running'`,
};

/** Creates the function that measures the running erasures. */
export function createErasureMeasure(pool: pg.Pool): () => Promise<RunningErasures> {
  return shareRunning(async () => {
    const { rows } = await pool.query<RunningErasures>(MEASURE);
    return rows[0] as RunningErasures;
  });
}
