import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../src/db/migrate.ts';
import { startEmbedded } from '../../src/service/local/embedded.ts';
import { query } from '../support/database.ts';
import { createConversations } from './data.ts';
import { startProviders, untilDrained } from './drain.ts';
import { load, type Measured } from './load.ts';
import { heading, type Row, toLine } from './report.ts';
import { type BenchProcess, startBenchService } from './service.ts';
import { outbound, posts } from './workload.ts';

const CONNECTIONS = 64;
const DROP_QUEUE = `update deliveries set status = 'canceled', next_attempt_at = null where pending`;

/** The same load on a service that only accepts messages, and on a service that also delivers all of them. */
interface Round {
  api: Measured;
  all: Measured;
  /** Messages that `ROLE=all` accepted and delivered, per second from the first request to the last delivery. */
  deliveredPerSecond: number;
}

/**
 * Measures how deliveries affect requests: in turns, sends to `ROLE=api`, and to `ROLE=all` with a provider that accepts
 * every message.
 *
 * @param serverUrl a PostgreSQL server; each of the two services gets a database of its own.
 * @param count messages of each measurement.
 * @returns two rows, of the round with the median ratio of the 99th percentiles.
 */
export async function compareRoles(serverUrl: string, rounds: number, count: number): Promise<Row[]> {
  const apiUrl = await createDatabase(serverUrl, 'bench_api');
  const allUrl = await createDatabase(serverUrl, 'bench_all');
  const providers = await startProviders();
  const api = await startBenchService(apiUrl);
  const all = await startBenchService(allUrl, { ROLE: 'all', TEXT_CO_URL: providers.url });
  try {
    const results: Round[] = [];
    await send(api, count / 4);
    await sendAndDeliver(all, allUrl, count / 4);
    for (let round = 0; round < rounds; round++) {
      const alone = await send(api, count);
      await query(apiUrl, DROP_QUEUE);
      results.push({ api: alone, ...(await sendAndDeliver(all, allUrl, count)) });
    }
    return rowsOf(results.sort((a, b) => ratioOf(a) - ratioOf(b))[rounds >> 1] as Round);
  } finally {
    await Promise.all([api, all, providers].map((each) => each.stop()));
  }
}

function rowsOf(round: Round): Row[] {
  const ratios = {
    'of the p99 of ROLE=api': ratioOf(round),
    'delivered per second': round.deliveredPerSecond,
  };
  const common = { connections: CONNECTIONS, stored: null };
  return [
    { name: 'send to ROLE=api', ...common, ...round.api, ratios: {} },
    { name: 'send to ROLE=all, which also delivers', ...common, ...round.all, ratios },
  ];
}

function ratioOf({ api, all }: Round): number {
  return all.p99 / api.p99;
}

async function sendAndDeliver(service: BenchProcess, databaseUrl: string, count: number) {
  const started = performance.now();
  const all = await send(service, count);
  await untilDrained(databaseUrl);
  return { all, deliveredPerSecond: (all.answered / (performance.now() - started)) * 1_000 };
}

function send(service: BenchProcess, count: number): Promise<Measured> {
  return load(service.url, CONNECTIONS, posts('/api/messages/sms', outbound, count));
}

async function createDatabase(serverUrl: string, name: string): Promise<string> {
  await query(serverUrl, `create database ${name}`);
  const url = Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href;
  await migrate(url);
  await createConversations(url);
  return url;
}

// `make bench ONLY=roles`
if (import.meta.main) {
  const directory = await mkdtemp(join(tmpdir(), 'messaging-bench-'));
  const embedded = await startEmbedded(directory);
  try {
    console.log(heading());
    const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
    const rows = await compareRoles(embedded.url, rounds, Number(process.env.BENCH_COUNT ?? 20_000));
    for (const row of rows) console.log(toLine(row));
  } finally {
    await embedded.stop();
    await rm(directory, { recursive: true, force: true });
  }
}
