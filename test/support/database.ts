import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../../src/db/migrate.ts';
import { startEmbedded } from '../../src/service/local/embedded.ts';

let created = 0;
/** The databases of this process that `mochaHooks` drops. */
const names: string[] = [];

/**
 * Creates an empty database on the server of `TEST_DATABASE_URL`, by default the embedded PostgreSQL of the test run.
 *
 * @returns the URL of the database.
 */
export async function createDatabase(template = 'template1'): Promise<string> {
  const url = new URL(process.env.TEST_DATABASE_URL ?? '');
  const name = `test_${process.pid}_${++created}`;
  await query(url.href, `create database ${name} template ${template}`);
  names.push(name);
  url.pathname = `/${name}`;
  return url.href;
}

let template: Promise<string> | undefined;

/** Creates a database with all migrations, as a copy of a migrated template, which is faster than a migration. */
export async function createMigratedDatabase(): Promise<string> {
  template ??= migratedTemplate();
  return createDatabase(await template);
}

async function migratedTemplate(): Promise<string> {
  const url = await createDatabase();
  await migrate(url);
  const name = new URL(url).pathname.slice(1);
  names.splice(names.indexOf(name), 1);
  return name;
}

/** Runs a statement on a connection of its own. */
export async function query<Row extends pg.QueryResultRow>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  // The rejected query reports a lost connection.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** Deletes the rows of tables that a running service uses, in this order. `truncate` can deadlock with the service. */
export async function deleteRows(url: string, ...tables: string[]): Promise<void> {
  await query(url, tables.map((table) => `delete from ${table}`).join('; '));
}

/** A folder in memory, where a database is created faster. It has the databases of a few files at a time. */
const MEMORY = '/dev/shm';
const MEMORY_BYTES = 4 * 1_024 ** 3;

/** The folder for the data of PostgreSQL: in memory if there is enough. */
async function dataFolder(): Promise<string> {
  const memory = await statfs(MEMORY).catch(() => null);
  return memory !== null && memory.bavail * memory.bsize > MEMORY_BYTES ? MEMORY : tmpdir();
}

export const mochaHooks = {
  /** Drops the databases of a file of tests. A database that is in use stays. */
  async afterAll(): Promise<void> {
    for (const name of names.splice(0))
      await query(process.env.TEST_DATABASE_URL ?? '', `drop database if exists ${name}`).catch(
        () => undefined,
      );
  },
};

let stop: (() => Promise<void>) | undefined;

/** Starts one PostgreSQL for all test processes. */
export async function mochaGlobalSetup(): Promise<void> {
  if (process.env.TEST_DATABASE_URL) return;
  const directory = await mkdtemp(join(await dataFolder(), 'messaging-test-'));
  const embedded = await startEmbedded(directory);
  process.env.TEST_DATABASE_URL = embedded.url;
  // The data need not survive a loss of power. A killed process loses nothing that is in the memory of the system.
  await query(embedded.url, 'alter system set fsync = off');
  // The tests make thousands of connections. The default of 4,096 iterations takes five milliseconds for each.
  const { password } = new URL(embedded.url);
  await query(embedded.url, `set scram_iterations = 1; alter role current_user password '${password}'`);
  await query(embedded.url, 'select pg_reload_conf()');
  stop = async () => {
    await embedded.stop();
    await rm(directory, { recursive: true, force: true });
  };
}

export async function mochaGlobalTeardown(): Promise<void> {
  await stop?.();
}
