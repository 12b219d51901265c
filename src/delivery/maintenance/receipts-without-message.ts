import type pg from 'pg';
import type { Events } from '../../observability/events.ts';

/** A receipt may arrive before the provider's id of its message is recorded. */
const PATIENCE_MS = 60_000;
const LOG_AGAIN_MS = 10 * 60_000;
const RECEIPTS_PER_STATEMENT = 1_000;

const LATEST = 'select coalesce(max(id), 0) as id from delivery_receipts';
const FIND = {
  name: 'find-receipts-without-message',
  text: `
    select provider, count(*)::int as receipts, sum(count(*)) over ()::int as total, max(max(id)) over () as last_id
    from (
      select provider, id from delivery_receipts
      where message_id is null and id > $1 and received_at <= now() - $2 * interval '1 millisecond'
      order by id limit ${RECEIPTS_PER_STATEMENT}
    ) as receipt
    group by provider`,
};

interface Found {
  provider: string;
  receipts: number;
  /** The number of receipts of all providers. */
  total: number;
  last_id: string;
}

/**
 * Reports receipts whose message is still unknown some time after their arrival. Receipts that arrived before the first
 * step are not reported.
 *
 * @returns a step, which resolves with whether receipts remain.
 */
export function createUnmatchedReport(
  pool: pg.Pool,
  events: Events,
  patienceMs = PATIENCE_MS,
): () => Promise<boolean> {
  const loggedAt = new Map<string, number>();
  let lastId: string | null = null;
  return async () => {
    if (lastId === null) {
      lastId = (await pool.query<{ id: string }>(LATEST)).rows[0]?.id ?? '0';
      return false;
    }
    const { rows } = await pool.query<Found>(FIND, [lastId, patienceMs]);
    for (const { provider, receipts } of rows) {
      const log = Date.now() - (loggedAt.get(provider) ?? 0) >= LOG_AGAIN_MS;
      if (log) loggedAt.set(provider, Date.now());
      events.receiptsWithoutMessage({ provider, receipts, log });
    }
    lastId = rows[0]?.last_id ?? lastId;
    return rows[0]?.total === RECEIPTS_PER_STATEMENT;
  };
}
