import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbedded } from '../../src/db/embedded.ts';
import { countMessages, fillUpTo, makeConversations } from './data.ts';
import { httpFloor, sqlFloor } from './floors.ts';
import { load, type Measured } from './load.ts';
import { measureReads, READS } from './reads.ts';
import { heading, type Row, toLine, toSvg } from './report.ts';
import { startBenchService } from './service.ts';
import { hot, inbound, type Make, outbound, posts } from './workload.ts';

/** Messages a row; fewer are faster and tell less. */
const COUNT = Number(process.env.BENCH_COUNT ?? 20_000);
const SMALL = 10_000;
const LARGE = Number(process.env.BENCH_LARGE ?? 1_000_000);
const CONNECTIONS = [1, 32, 64, 256];
const READERS = 8;

const rows: Row[] = [];
const directory = await mkdtemp(join(tmpdir(), 'messaging-bench-'));
const embedded = await startEmbedded(directory);
const { url } = embedded;
try {
  const service = await startBenchService(url);
  await makeConversations(url);
  await fillUpTo(url, SMALL);
  console.log(heading());
  const small = await measureReads(service.url, url, READERS, COUNT / 10);
  for (const name of READS) add(`${name}, of ${SMALL} messages`, READERS, small.get(name) as Measured);

  // The floors and what is held to them take turns, for the machine is not the same from one minute to the next.
  await load(service.url, 64, posts('/api/webhooks/sms', inbound, COUNT));
  await load(service.url, 64, posts('/api/messages/sms', outbound, COUNT));
  let [http, sql] = [0, 0];
  for (const connections of CONNECTIONS) {
    const measured = await httpFloor(connections, COUNT / (connections === 1 ? 5 : 1), COUNT / 2);
    http = Math.max(http, measured.perSecond);
    add('floor: Express and the validator, no database', connections, measured);
  }
  for (const connections of [1, 8, 16, 32, 64]) {
    const measured = await writing(() => sqlFloor(url, connections, COUNT / (connections === 1 ? 10 : 2)));
    sql = Math.max(sql, measured.perSecond);
    add('floor: one SQL statement a message', connections, measured);
  }
  for (const connections of CONNECTIONS) {
    await record('inbound webhook', '/api/webhooks/sms', inbound, connections);
    await record('send', '/api/messages/sms', outbound, connections);
  }
  await record('inbound webhook, all in one conversation', '/api/webhooks/sms', hot, 64);

  async function record(name: string, path: string, make: Make, connections: number): Promise<void> {
    const requests = posts(path, make, connections === 1 ? COUNT / 10 : COUNT);
    const measured = await writing(() => load(service.url, connections, requests));
    add(name, connections, measured, {
      'of SQL': measured.perSecond / sql,
      'of HTTP': measured.perSecond / http,
      'p99 to p50': measured.p99 / measured.p50,
    });
  }

  await fillUpTo(url, LARGE);
  const large = await measureReads(service.url, url, READERS, COUNT / 10);
  for (const name of READS) {
    const [before, after] = [small.get(name) as Measured, large.get(name) as Measured];
    add(`${name}, of ${LARGE} messages`, READERS, after, {
      'times the cost': before.perSecond / after.perSecond,
    });
  }
  const memoryMiB = service.peakMemoryMiB();
  await service.stop();
  await mkdir('.bench', { recursive: true });
  await writeFile('.bench/bench.json', `${JSON.stringify({ memoryMiB, rows }, null, 2)}\n`);
  await writeFile('.bench/bench.svg', toSvg(rows));
  console.log(
    `The service's memory at its peak: ${memoryMiB} MiB. The table is in .bench/bench.json and .bench/bench.svg.`,
  );
  const lost = rows.filter(({ stored, answered }) => stored !== null && stored !== answered);
  if (lost.length > 0)
    throw new Error(`Answered is not what is stored: ${lost.map(({ name }) => name).join(', ')}`);
} finally {
  await embedded.stop();
  await rm(directory, { recursive: true, force: true });
}

function add(name: string, connections: number, measured: Measured & { stored?: number }, ratios = {}): void {
  const row = { name, connections, stored: null, ...measured, ratios };
  rows.push(row);
  console.log(toLine(row));
}

/** With what is found in the database afterwards, so that nothing counts that is not stored. */
async function writing(work: () => Promise<Measured>): Promise<Measured & { stored: number }> {
  const before = await countMessages(url);
  const measured = await work();
  return { ...measured, stored: (await countMessages(url)) - before };
}
