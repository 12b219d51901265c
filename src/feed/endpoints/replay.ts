import type pg from 'pg';
import { execute } from '../../db/transaction.ts';
import { PositionExpiredError } from '../../errors.ts';
import type { Schema } from '../../openapi/types.ts';
import { FEED_MOVED } from '../event.ts';
import { feedRange } from '../read.ts';

/** The dispatcher makes the deliveries after the new position pending again. */
const MOVE_BACK = {
  name: 'replay-endpoint',
  text: `
    with moved as (
      update endpoints set position = least(position, $2) where id = $1 and deleted_at is null and position > $2 returning id
    )
    select pg_notify('${FEED_MOVED}', '') from moved`,
};
/** The schedule of attempts begins again. */
const RETRY_FAILED = {
  name: 'replay-failed-deliveries',
  text: `
    with replayed as (
      update endpoint_deliveries
      set status = 'pending', schedule_start = attempt_count, next_attempt_at = now()
      where endpoint_id = $1 and status = 'failed'
      returning event_id
    )
    select count(*), pg_notify('${FEED_MOVED}', '') from replayed`,
};

/**
 * Delivers events again: those after a position, those whose attempts have ended without success, or both.
 *
 * @throws {PositionExpiredError} if events after this position are not kept any more.
 */
export async function replayEndpoint(
  pool: pg.Pool,
  id: number,
  { after, failed }: Schema<'EndpointReplay'>,
): Promise<void> {
  if (after !== undefined) {
    const { first } = await feedRange(pool);
    if (after > 0 && after < first - 1) throw new PositionExpiredError(first - 1);
    await execute(pool, MOVE_BACK, [id, Math.max(after, first - 1)]);
  }
  if (failed) await execute(pool, RETRY_FAILED, [id]);
}
