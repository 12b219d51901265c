import type pg from 'pg';

const DELETE_OLD_KEYS = {
  name: 'delete-old-keys',
  text: `
    delete from idempotency_keys where (api_key_name, key) in (
      select api_key_name, key from idempotency_keys
      where created_at < now() - interval '30 days' order by created_at limit $1)`,
};
const KEYS_PER_STATEMENT = 1_000;
const MAX_STATEMENTS = 20;

/** Deletes Idempotency-Keys after 30 days, in short statements. */
export async function deleteOldKeys(pool: pg.Pool): Promise<number> {
  for (let statements = 1; statements <= MAX_STATEMENTS; statements++) {
    const { rowCount } = await pool.query(DELETE_OLD_KEYS, [KEYS_PER_STATEMENT]);
    if (rowCount !== KEYS_PER_STATEMENT) break;
  }
  return 0;
}
