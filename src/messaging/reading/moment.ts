import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';

/** A moment that a list can be read as of, later too: everything recorded until then is visible, and stays so. */
export interface Moment {
  /** Recorded until then, in UTC to the millisecond. */
  time: string;
  /** No message recorded until then has an id above this one. */
  lastId: number;
}

/** For how long recordings under way are waited for; they take milliseconds. */
const PATIENCE_MS = 1_000;
const LOOK_AGAIN_MS = 2;

/**
 * Now, as soon as whatever was being recorded is committed. Where that takes too long, the moment before it began.
 *
 * A message's time is drawn inside its transaction, after that has a transaction id, so none that is written later
 * than what is seen here can have an earlier time.
 */
export async function currentMoment(knex: Knex): Promise<Moment> {
  const asked = (await look(knex)).now;
  // Times are stored rounded to the millisecond.
  const wanted = Math.floor(asked) + 1;
  for (;;) {
    await sleep(LOOK_AGAIN_MS);
    const { now, writing_since: since, last_id: lastId } = await look(knex);
    const settled = since === null || since > wanted + 1 ? wanted : Math.floor(since) - 1;
    if (now > wanted + 1 && (settled === wanted || now - asked > PATIENCE_MS))
      return { time: new Date(settled).toISOString(), lastId };
  }
}

/** The database's clock in milliseconds, and since when somebody has been writing; null where nobody is. */
async function look(knex: Knex): Promise<{ now: number; writing_since: number | null; last_id: number }> {
  const { rows } = await knex.raw(`
    select extract(epoch from clock_timestamp())::float8 * 1000 as now, (
      select extract(epoch from min(xact_start))::float8 * 1000 from pg_stat_activity
      where datname = current_database() and application_name = current_setting('application_name') and backend_xid is not null
    ) as writing_since, (select last_value from messages_id_seq) as last_id`);
  return rows[0];
}
