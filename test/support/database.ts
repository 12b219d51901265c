import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../../src/db/migrate.ts';
import { openDatabase } from '../../src/db/pools.ts';
import { startEmbedded } from '../../src/local/embedded.ts';

let made = 0;

/** An empty database of its own on the test run's PostgreSQL, or on `TEST_DATABASE_URL` where that is set. */
export async function createDatabase(template = 'template1'): Promise<string> {
  const url = new URL(process.env.TEST_DATABASE_URL ?? '');
  const name = `test_${process.pid}_${++made}`;
  await query(url.href, `create database ${name} template ${template}`);
  url.pathname = `/${name}`;
  return url.href;
}

let template: Promise<string> | undefined;

/** One whose schema is up to date, as a copy of one that this process has migrated: that takes less. */
export async function createMigratedDatabase(): Promise<string> {
  template ??= migratedTemplate();
  return createDatabase(await template);
}

async function migratedTemplate(): Promise<string> {
  const url = await createDatabase();
  const database = openDatabase(url, () => undefined);
  await migrate(database.url);
  await database.close();
  return new URL(url).pathname.slice(1);
}

/** Runs statements on a database, past the service. */
export async function query<Row extends pg.QueryResultRow>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

let stop: (() => Promise<void>) | undefined;

/** One PostgreSQL for all tests, in whichever process they run. */
export async function mochaGlobalSetup(): Promise<void> {
  if (process.env.TEST_DATABASE_URL) return;
  const directory = await mkdtemp(join(tmpdir(), 'messaging-test-'));
  const embedded = await startEmbedded(directory);
  process.env.TEST_DATABASE_URL = embedded.url;
  stop = async () => {
    await embedded.stop();
    await rm(directory, { recursive: true, force: true });
  };
}

export async function mochaGlobalTeardown(): Promise<void> {
  await stop?.();
}
