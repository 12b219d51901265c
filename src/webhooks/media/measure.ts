import type pg from 'pg';
import { shareRunning } from '../../db/batch/share-running.ts';
import type { PendingMedia } from '../../observability/media-events.ts';

/** How long a result is reused. */
const REUSE_MS = 5_000;
/** Max files that are counted. */
const MAX_COUNT = 20_000;

/** The ids of files are in the order in which the files were recorded. */
const MEASURE = {
  name: 'measure-media',
  text: `
    select (select count(*)::int from (select from media_fetches limit ${MAX_COUNT}) as pending) as files,
      coalesce((
        select extract(epoch from statement_timestamp() - created_at)::float8 from media_fetches order by media_id limit 1
      ), 0) as oldest_seconds,
      pg_total_relation_size('media_chunks')::float8 as disk_bytes`,
};

/** Returns a function that measures the files to fetch, at most once in `REUSE_MS` for all callers. */
export function createMediaMeasure(pool: pg.Pool): () => Promise<PendingMedia> {
  return shareRunning(
    async () => (await pool.query<PendingMedia>(MEASURE)).rows[0] as PendingMedia,
    REUSE_MS,
  );
}
