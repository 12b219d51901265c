import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type EmbeddedDatabase, startEmbedded } from '../../src/db/embedded.ts';

let server: Promise<{ directory: string; embedded: EmbeddedDatabase }> | undefined;
let made = 0;

async function start() {
  const directory = await mkdtemp(join(tmpdir(), 'messaging-test-'));
  return { directory, embedded: await startEmbedded(directory) };
}

/** An empty database of its own on the test run's PostgreSQL, or on `TEST_DATABASE_URL` where that is set. */
export async function createDatabase(): Promise<string> {
  const given = process.env.TEST_DATABASE_URL;
  if (!given) server ??= start();
  const url = new URL(given ?? (await server)?.embedded.url ?? '');
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  const name = `test_${process.pid}_${++made}`;
  await client.query(`create database ${name}`);
  await client.end();
  url.pathname = `/${name}`;
  return url.href;
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

export const mochaHooks = {
  async afterAll(): Promise<void> {
    if (!server) return;
    const { directory, embedded } = await server;
    await embedded.stop();
    await rm(directory, { recursive: true, force: true });
  },
};
