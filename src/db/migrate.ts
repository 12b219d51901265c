import { fileURLToPath } from 'node:url';
import type { Knex } from 'knex';
import pg from 'pg';
import { FUNCTION_SCHEMA, installFunctions } from './functions.ts';
import { type Database, openForMigrations } from './pools.ts';

/**
 * Removes the time limits of the server, the role and the database from the current transaction: a change of a large
 * table takes as long as it takes. `transaction_timeout` exists from PostgreSQL 17 on.
 */
const REMOVE_LIMITS = `
  select set_config(name, '0', true) from pg_settings
  where name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')`;

/** The migrations, as options of Knex. Each one runs in a transaction. */
const MIGRATIONS = {
  directory: fileURLToPath(new URL('../../migrations', import.meta.url)),
  loadExtensions: ['.ts'],
  beforeEach: async (transaction: Knex) => void (await transaction.raw(REMOVE_LIMITS)),
  // A newer version may have migrated the database already: its changes work with this version too.
  disableMigrationsListValidation: true,
};
/** One process migrates at a time. The lock ends with the connection, so a killed process leaves no lock behind. */
const MIGRATION_LOCK = 7_203_942;
/** The first of the migrations that the initial migration replaced. */
const BEFORE_INITIAL = '20260101000000_messaging.ts';

/** A development version created the tables; they cannot be upgraded. */
class ObsoleteTablesError extends Error {
  readonly code = 'OBSOLETE_TABLES';
}

/**
 * Applies the missing migrations and installs the functions; returns the names of the migrations.
 *
 * @throws {ObsoleteTablesError}
 */
export async function migrate(url: string): Promise<string[]> {
  const holder = new pg.Client({ connectionString: url });
  // If the connection is lost while it waits, the next statement fails.
  holder.on('error', () => undefined);
  await holder.connect();
  const knex = openForMigrations(url);
  try {
    // A transaction holds the lock rather than a session, which a pooler in transaction mode would not keep.
    await holder.query(`begin; ${REMOVE_LIMITS}`);
    await holder.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    // Knex's own lock is a row that a killed process leaves behind; under our lock no process holds it.
    await knex.migrate.forceFreeMigrationsLock(MIGRATIONS);
    await assertNotObsolete(knex);
    const [, applied] = (await knex.migrate.latest(MIGRATIONS)) as [number, string[]];
    await installFunctions(knex);
    return applied;
  } finally {
    await knex.destroy();
    await holder.end();
  }
}

async function assertNotObsolete(knex: Knex): Promise<void> {
  const [completed] = (await knex.migrate.list(MIGRATIONS)) as [{ name: string }[], unknown];
  if (completed.some(({ name }) => name === BEFORE_INITIAL)) throw new ObsoleteTablesError();
}

/** Whether the migrations and functions of this version are installed. */
export async function isMigrated({ probe }: Pick<Database, 'probe'>): Promise<boolean> {
  const [, pending] = (await probe.migrate.list(MIGRATIONS)) as [unknown[], unknown[]];
  const { rows } = await probe.raw<{ rows: { installed: boolean }[] }>(
    'select to_regnamespace(?) is not null as installed',
    [FUNCTION_SCHEMA],
  );
  return pending.length === 0 && rows[0]?.installed === true;
}
