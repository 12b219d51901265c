import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbedded } from '../../src/db/embedded.ts';
import { httpFloor, sqlFloor } from './floors.ts';
import { load, type Measured } from './load.ts';
import { toSvg, toTable } from './report.ts';
import { apiKey, countMessages, startBenchService } from './service.ts';
import { inbound, outbound } from './workload.ts';

/** Seconds for each row of the table; the ratios settle well before. */
const SECONDS = Number(process.env.BENCH_SECONDS ?? 5);
const CONNECTIONS = (process.env.BENCH_CONNECTIONS ?? '1,32,64,256').split(',').map(Number);

export interface Row extends Measured {
  name: string;
  connections: number;
  /** Messages that the row added to the database; null for a floor without one. */
  stored: number | null;
}

const directory = await mkdtemp(join(tmpdir(), 'messaging-bench-'));
const embedded = await startEmbedded(directory);
try {
  const service = await startBenchService(embedded.url);
  const rows: Row[] = [];
  const add = (row: Row) => {
    rows.push(row);
    console.log(toTable([row]).split('\n').at(-1));
  };
  console.log(toTable([]));
  add({
    name: 'floor: Express and validator, no database',
    connections: 64,
    stored: null,
    ...(await httpFloor(64, SECONDS)),
  });
  for (const connections of [4, 16, 64]) {
    const before = await countMessages(embedded.url);
    const measured = await sqlFloor(embedded.url, connections, SECONDS);
    add({
      name: 'floor: one statement a message, plain SQL',
      connections,
      ...measured,
      stored: (await countMessages(embedded.url)) - before,
    });
  }
  for (const [name, path, next] of [
    ['inbound webhook', '/api/webhooks/sms', inbound],
    ['send', '/api/messages/sms', outbound],
  ] as const) {
    for (const connections of CONNECTIONS) {
      const before = await countMessages(embedded.url);
      const measured = await load({ url: service.url + path, connections, seconds: SECONDS, apiKey, next });
      add({ name, connections, ...measured, stored: (await countMessages(embedded.url)) - before });
    }
  }
  const memoryMiB = service.peakMemoryMiB();
  await service.stop();
  await mkdir('.bench', { recursive: true });
  await writeFile(
    '.bench/recording.json',
    `${JSON.stringify({ seconds: SECONDS, memoryMiB, rows }, null, 2)}\n`,
  );
  await writeFile('.bench/recording.svg', toSvg(rows));

  const best = (part: string) =>
    Math.max(...rows.filter(({ name }) => name.includes(part)).map(({ perSecond }) => perSecond));
  const at64 = (part: string) =>
    rows.find(({ name, connections }) => name === part && connections === 64)?.perSecond ?? 0;
  for (const name of ['inbound webhook', 'send']) {
    const [ofSql, ofHttp] = [at64(name) / best('plain SQL'), at64(name) / best('no database')];
    console.log(
      `${name} at 64 connections: ${ofSql.toFixed(2)} of plain SQL, ${ofHttp.toFixed(2)} of no database`,
    );
  }
  console.log(
    `the service's memory at its peak: ${memoryMiB} MiB; .bench/recording.json, .bench/recording.svg`,
  );
  const lost = rows.filter(({ stored, answered }) => stored !== null && stored < answered);
  if (lost.length > 0) throw new Error(`Answered but not stored: ${lost.map(({ name }) => name).join(', ')}`);
} finally {
  await embedded.stop();
  await rm(directory, { recursive: true, force: true });
}
