import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbedded } from '../../src/service/local/embedded.ts';
import { query } from '../support/database.ts';
import { httpBaseline, sqlBaseline } from './baselines.ts';
import { countMessages, createConversations, fillUpTo } from './data.ts';
import { CALLS, drain, gotBaseline, startProviders } from './drain.ts';
import { load, type Measured } from './load.ts';
import { measureReads, READS } from './reads.ts';
import { heading, type Row, toLine, toSvg } from './report.ts';
import { compareRoles } from './roles.ts';
import { startBenchService } from './service.ts';
import { compareWebhooks } from './webhooks.ts';
import { inbound, inboundOfOneConversation, type Make, outbound, posts } from './workload.ts';

/** The number of messages per row of the report. A lower number is faster and less precise. */
const COUNT = Number(process.env.BENCH_COUNT ?? 20_000);
const SMALL = 10_000;
const LARGE = Number(process.env.BENCH_LARGE ?? 1_000_000);
const CONNECTIONS = [1, 32, 64, 256];
const READERS = 8;
const ROUNDS = 5;
const ROLE_ROUNDS = 3;
const KINDS = [
  { name: 'inbound webhook', path: '/api/webhooks/sms', make: inbound },
  { name: 'send', path: '/api/messages/sms', make: outbound },
];

/** Workers and rounds of the drain, by the number of stored messages. */
const DRAINS: Record<number, [workers: number, times: number][]> = {
  [SMALL]: [
    [1, 3],
    [2, 3],
  ],
};
const CANCEL_QUEUED = `update deliveries set status = 'canceled', next_attempt_at = null where status = 'queued'`;

const rows: Row[] = [];
const directory = await mkdtemp(join(tmpdir(), 'messaging-bench-'));
const embedded = await startEmbedded(directory);
const { url } = embedded;
try {
  const service = await startBenchService(url);
  await createConversations(url);
  await fillUpTo(url, SMALL);
  console.log(heading());
  const small = await measureReads(service.url, url, READERS, COUNT / 10);
  for (const name of READS) add(`${name}, of ${SMALL} messages`, READERS, small.get(name) as Measured);

  await load(service.url, 64, posts('/api/webhooks/sms', inbound, COUNT));
  await load(service.url, 64, posts('/api/messages/sms', outbound, COUNT));
  for (const connections of CONNECTIONS) {
    const measured = await httpBaseline(connections, COUNT / (connections === 1 ? 5 : 1), COUNT / 4);
    add('baseline: Express and the validator, no database', connections, measured);
  }
  let best = { connections: 0, perSecond: 0 };
  for (const connections of [1, 4, 8, 16, 32, 64]) {
    const measured = await withStoredCount(() =>
      sqlBaseline(url, connections, COUNT / (connections === 1 ? 10 : 2)),
    );
    if (measured.perSecond > best.perSecond) best = { connections, perSecond: measured.perSecond };
    add('baseline: one SQL statement per message', connections, measured);
  }
  for (const connections of CONNECTIONS) {
    for (const kind of KINDS) add(kind.name, connections, await record(kind, connections));
  }
  await compareWithBaselines(best.connections);
  add(
    'inbound webhook, all in one conversation',
    64,
    await record({ path: '/api/webhooks/sms', make: inboundOfOneConversation }, 64),
  );

  /** Measures the drain of the queue and the got baseline alternately. Cancels the deliveries of earlier rows first. */
  async function compareWithGot(stored: number): Promise<void> {
    await query(url, CANCEL_QUEUED);
    const providers = await startProviders();
    try {
      await gotBaseline(providers, COUNT / 4);
      for (const [workers, times] of DRAINS[stored] ?? [[1, 1]]) {
        const rounds: { baseline: Measured; service: Measured & { stored: number } }[] = [];
        for (let round = 0; round < times; round++)
          rounds.push({
            baseline: await gotBaseline(providers, COUNT / 2),
            service: await drain(url, providers, workers, COUNT, (workers * COUNT) / 4),
          });
        const medianRound = rounds.sort((a, b) => ratioOf(a) - ratioOf(b))[
          rounds.length >> 1
        ] as (typeof rounds)[0];
        add('baseline: got in a loop', CALLS, medianRound.baseline);
        add(`drain of the queue by ${workers}, with ${stored} stored messages`, CALLS, medianRound.service, {
          'of got': ratioOf(medianRound),
        });
      }
    } finally {
      await providers.stop();
    }
  }

  async function record({ path, make }: { path: string; make: Make }, connections: number) {
    const requests = posts(path, make, connections === 1 ? COUNT / 10 : COUNT);
    return withStoredCount(() => load(service.url, connections, requests));
  }

  /** Measures baselines and service alternately and reports the median ratio, because the speed of a machine varies. */
  async function compareWithBaselines(sqlConnections: number): Promise<void> {
    const rounds: { sql: number; http: number; of: Record<string, Measured> }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const of: Record<string, Measured> = {};
      const sql = await sqlBaseline(url, sqlConnections, COUNT / 2);
      for (const kind of KINDS) of[kind.name] = await record(kind, 64);
      const sqlAfter = await sqlBaseline(url, sqlConnections, COUNT / 2);
      const http = await httpBaseline(64, COUNT, COUNT / 4);
      rounds.push({ sql: (sql.perSecond + sqlAfter.perSecond) / 2, http: http.perSecond, of });
    }
    for (const { name } of KINDS) {
      const measured = rounds.map(({ sql, http, of }) => ({ sql, http, ...(of[name] as Measured) }));
      const ratios = {
        'of SQL': median(measured.map(({ perSecond, sql }) => perSecond / sql)),
        'of HTTP': median(measured.map(({ perSecond, http }) => perSecond / http)),
        'p99 to p50': median(measured.map(({ p50, p99 }) => p99 / p50)),
      };
      const medianRound = measured.sort((a, b) => a.perSecond - b.perSecond)[ROUNDS >> 1] as Measured;
      add(`${name}, alternating with the baselines`, 64, { ...medianRound }, ratios);
    }
  }

  await compareWithGot(SMALL);
  for (const row of await compareWebhooks(url, ROUNDS, COUNT)) print(row);
  for (const row of await compareRoles(url, ROLE_ROUNDS, COUNT)) print(row);
  await fillUpTo(url, LARGE);
  const large = await measureReads(service.url, url, READERS, COUNT / 10);
  for (const name of READS) {
    const [before, after] = [small.get(name) as Measured, large.get(name) as Measured];
    add(`${name}, of ${LARGE} messages`, READERS, after, {
      'times the cost': before.perSecond / after.perSecond,
    });
  }
  await compareWithGot(LARGE);
  const memoryMiB = service.peakMemoryMiB();
  await service.stop();
  await mkdir('.bench', { recursive: true });
  await writeFile('.bench/bench.json', `${JSON.stringify({ memoryMiB, rows }, null, 2)}\n`);
  await writeFile('.bench/bench.svg', toSvg(rows));
  console.log(
    `Peak memory of the service: ${memoryMiB} MiB. The table is in .bench/bench.json and .bench/bench.svg.`,
  );
  const lost = rows.filter(({ stored, answered }) => stored !== null && stored !== answered);
  if (lost.length > 0)
    throw new Error(`Acknowledged and stored messages differ: ${lost.map(({ name }) => name).join(', ')}`);
} finally {
  await embedded.stop();
  await rm(directory, { recursive: true, force: true });
}

function add(name: string, connections: number, measured: Measured & { stored?: number }, ratios = {}): void {
  print({ name, connections, stored: null, ...measured, ratios });
}

function print(row: Row): void {
  rows.push(row);
  console.log(toLine(row));
}

function ratioOf({ baseline, service }: Record<'baseline' | 'service', Measured>): number {
  return service.perSecond / baseline.perSecond;
}

function median(numbers: number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number;
}

/** Counts the stored messages too, to detect acknowledged messages that are not stored. */
async function withStoredCount(work: () => Promise<Measured>): Promise<Measured & { stored: number }> {
  const before = await countMessages(url);
  const measured = await work();
  return { ...measured, stored: (await countMessages(url)) - before };
}
