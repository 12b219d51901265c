import type pg from 'pg';
import { transaction } from '../../db/transaction.ts';

const DELETE_OLD_KEYS = {
  name: 'delete-old-keys',
  text: `
    delete from idempotency_keys where ctid = any(array(
      select ctid from idempotency_keys
      where created_at < now() - interval '30 days' order by created_at limit $1 for update skip locked))`,
};
const KEYS_PER_STATEMENT = 1_000;

/**
 * Deletes some Idempotency-Keys that are older than 30 days.
 *
 * @returns whether old keys remain.
 */
export async function deleteOldKeys(pool: pg.Pool): Promise<boolean> {
  const { rowCount } = await transaction(pool, (connection) =>
    connection.query(DELETE_OLD_KEYS, [KEYS_PER_STATEMENT]),
  );
  return rowCount === KEYS_PER_STATEMENT;
}
