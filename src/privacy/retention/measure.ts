import type pg from 'pg';
import type { RetentionDays } from '../../config/config.ts';
import { shareRunning } from '../../db/batch/share-running.ts';
import type { OverdueMessages } from '../../observability/privacy-events.ts';

/** The first message that a task has never examined, by its index; null without one. */
const MEASURE = {
  name: 'measure-retention',
  text: `
    select task, extract(epoch from now() - oldest.created_at)::float8 as age_seconds
    from retention_positions as present
    left join lateral (
      select created_at from messages
      where (messages.created_at, messages.id) > (
        greatest(present.created_at, examined_until),
        case when examined_until > present.created_at then 9223372036854775807 else present.message_id end)
      order by messages.created_at, messages.id limit 1
    ) as oldest on true`,
};

/** Creates the function that measures how far each configured task of the retention is behind. */
export function createRetentionMeasure(pool: pg.Pool, days: RetentionDays): () => Promise<OverdueMessages[]> {
  return shareRunning(async () => {
    const { rows } = await pool.query<{ task: keyof RetentionDays; age_seconds: number | null }>(MEASURE);
    return rows.flatMap(({ task, age_seconds }) => {
      const age = days[task];
      return age === null ? [] : [{ task, seconds: Math.max(0, (age_seconds ?? 0) - age * 86_400) }];
    });
  });
}
