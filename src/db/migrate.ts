import { readdir } from 'node:fs/promises';
import type { Knex } from 'knex';
import pg from 'pg';
import { INSTALLED, installFunctions } from './functions.ts';
import { assertDigests, MIGRATIONS_DIRECTORY, recordDigest } from './migration-digests.ts';
import { type Database, openDatabase, openForMigrations } from './pools.ts';

/**
 * Removes the time limits of the server, the role and the database from the current transaction, because a migration of a
 * large table may need more time. `transaction_timeout` exists since PostgreSQL 17.
 */
const REMOVE_LIMITS = `
  select set_config(name, '0', true) from pg_settings
  where name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')`;

/** Options of Knex for the migrations. Each migration runs in a transaction. */
const MIGRATIONS = {
  directory: MIGRATIONS_DIRECTORY,
  loadExtensions: ['.ts'],
  beforeEach: async (transaction: Knex, [migration]: unknown[]) => {
    await transaction.raw(REMOVE_LIMITS);
    await recordDigest(transaction, (migration as { file: string }).file);
  },
  // A newer version of the service may have added migrations, which also work for this version.
  disableMigrationsListValidation: true,
};
/** The advisory lock of the process that migrates. The lock ends with its connection, also after a kill of the process. */
const MIGRATION_LOCK = 7_203_942;

/**
 * Applies the missing migrations and installs the functions. Returns the names of the applied migrations.
 *
 * @throws {ObsoleteTablesError} if other migrations created the tables.
 * @throws {ForeignFunctionsError} if the functions belong to tables in another schema.
 */
export async function migrate(url: string): Promise<string[]> {
  const holder = new pg.Client({ connectionString: url });
  // Without a listener, the loss of the connection would end the process. The next statement fails anyway.
  holder.on('error', () => undefined);
  await holder.connect();
  const knex = openForMigrations(url);
  try {
    // The lock belongs to a transaction, because a pooler in transaction mode does not keep the session.
    await holder.query(`begin; ${REMOVE_LIMITS}`);
    await holder.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    const [completed, pending] = (await knex.migrate.list(MIGRATIONS)) as [{ name: string }[], unknown[]];
    await assertDigests(
      knex,
      completed.map(({ name }) => name),
    );
    const applied = pending.length > 0 ? await applyMissing(knex) : [];
    await installFunctions(knex);
    return applied;
  } finally {
    await knex.destroy();
    await holder.end();
  }
}

/**
 * The lock of Knex is a row, which remains after a kill. No other process can migrate now, so the row is obsolete. A start
 * without missing migrations does not take this lock: the last statement of a killed process may still take it.
 */
async function applyMissing(knex: Knex): Promise<string[]> {
  await knex.migrate.forceFreeMigrationsLock(MIGRATIONS);
  const [, applied] = (await knex.migrate.latest(MIGRATIONS)) as [number, string[]];
  return applied;
}

export interface MigrationState {
  /** The names of the migrations that are not applied yet. */
  pending: string[];
  /** Whether all functions of this version exist. */
  installed: boolean;
}

/**
 * The state of the tables and functions. Changes nothing, unlike the first query of Knex for migrations, which creates its
 * tables.
 *
 * @throws {ObsoleteTablesError} if other migrations created the tables.
 */
export async function inspectMigrations(url: string): Promise<MigrationState> {
  // Without a `statement_timeout`, which other clients of a pooler would get too.
  const database = openDatabase(url, () => undefined, { sessions: 'shared' });
  const { probe } = database;
  try {
    const { rows } = await probe.raw<{ rows: [{ started: boolean; installed: boolean }] }>(
      `select to_regclass('knex_migrations') is not null as started, ${INSTALLED} as installed`,
    );
    const [{ started, installed }] = rows;
    if (!started) return { pending: (await readdir(MIGRATIONS_DIRECTORY)).sort(), installed };
    const [completed, pending] = (await probe.migrate.list(MIGRATIONS)) as [
      { name: string }[],
      { file: string }[],
    ];
    await assertDigests(
      probe,
      completed.map(({ name }) => name),
    );
    return { pending: pending.map(({ file }) => file), installed };
  } finally {
    await database.close();
  }
}

/** Whether the migrations and functions of this version are installed. */
export async function isMigrated({ probe }: Pick<Database, 'probe'>): Promise<boolean> {
  const [, pending] = (await probe.migrate.list(MIGRATIONS)) as [unknown[], unknown[]];
  const { rows } = await probe.raw<{ rows: { installed: boolean }[] }>(`select ${INSTALLED} as installed`);
  return pending.length === 0 && rows[0]?.installed === true;
}
