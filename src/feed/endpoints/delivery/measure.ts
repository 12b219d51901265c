import type pg from 'pg';
import { shareRunning } from '../../../db/batch/share-running.ts';
import type { EndpointCounts } from '../../../observability/endpoint-metrics.ts';

/** How long a result is reused: the count of many deliveries takes long. */
const REUSE_MS = 5_000;

/** Reads the partial index of the pending deliveries of enabled endpoints, at most 10,000 of each endpoint. */
const MEASURE = {
  name: 'measure-endpoints',
  text: `
    select
      coalesce((
        select jsonb_object_agg(state, endpoints) from (
          select coalesce(disabled_reason, 'enabled') as state, count(*) as endpoints
          from endpoints where deleted_at is null group by state
        ) as counted
      ), '{}') as states,
      count(delivery.event_id) as pending,
      coalesce(extract(epoch from statement_timestamp() - min(delivery.created_at)), 0)::float8 as oldest_seconds,
      coalesce(max((select last_position from feed_state) - endpoints.position), 0) as behind
    from endpoints left join endpoint_deliveries as delivery on delivery.endpoint_id = endpoints.id and status = 'pending'
    where enabled`,
};

/** Returns a function that measures the endpoints, at most once in `REUSE_MS` for all callers. */
export function createEndpointMeasure(pool: pg.Pool): () => Promise<EndpointCounts> {
  return shareRunning(
    async () => (await pool.query<EndpointCounts>(MEASURE)).rows[0] as EndpointCounts,
    REUSE_MS,
  );
}
