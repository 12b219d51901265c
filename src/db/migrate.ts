import { fileURLToPath } from 'node:url';
import type { Knex } from 'knex';
import pg from 'pg';
import { type Database, openForMigrations } from './pools.ts';

/**
 * Removes the time limits of the server, the role and the database from the current transaction: a change of a large
 * table takes as long as it takes. `transaction_timeout` exists from PostgreSQL 17 on.
 */
const REMOVE_LIMITS = `
  select set_config(name, '0', true) from pg_settings
  where name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')`;

/** The migrations, as options of Knex. Each one runs in a transaction. */
export const MIGRATIONS = {
  directory: fileURLToPath(new URL('../../migrations', import.meta.url)),
  loadExtensions: ['.ts'],
  beforeEach: async (transaction: Knex) => void (await transaction.raw(REMOVE_LIMITS)),
};
/** One process migrates at a time. The lock ends with the connection, so a process that is killed leaves none behind. */
const MIGRATION_LOCK = 7_203_942;

/** Applies the migrations that are missing; returns their names. */
export async function migrate(url: string): Promise<string[]> {
  const holder = new pg.Client({ connectionString: url });
  // One that is lost while it waits has nobody to tell; the next statement fails.
  holder.on('error', () => undefined);
  await holder.connect();
  const knex = openForMigrations(url);
  try {
    // A transaction holds the lock rather than a session, which a pooler in transaction mode would not keep.
    await holder.query(`begin; ${REMOVE_LIMITS}`);
    await holder.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    // Knex's own lock is a row that a killed process leaves behind; under ours nobody can be holding it.
    await knex.migrate.forceFreeMigrationsLock(MIGRATIONS);
    const [, applied] = (await knex.migrate.latest(MIGRATIONS)) as [number, string[]];
    return applied;
  } finally {
    await knex.destroy();
    await holder.end();
  }
}

/** Takes the last batch of migrations back. */
export async function rollback(url: string): Promise<void> {
  const knex = openForMigrations(url);
  try {
    await knex.migrate.rollback(MIGRATIONS);
  } finally {
    await knex.destroy();
  }
}

/** Whether every migration that this version knows has been applied. */
export async function isMigrated({ probe }: Pick<Database, 'probe'>): Promise<boolean> {
  const [, pending] = (await probe.migrate.list(MIGRATIONS)) as [unknown[], unknown[]];
  return pending.length === 0;
}
