import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { migrate } from '../../src/db/migrate.ts';
import { startEmbedded } from '../../src/service/local/embedded.ts';
import { query } from '../support/database.ts';
import { listen } from '../support/listen.ts';
import { until } from '../support/until.ts';
import { createConversations } from './data.ts';
import { load } from './load.ts';
import { apiKey, type BenchProcess, startBenchService } from './service.ts';
import { inbound, posts } from './workload.ts';

/** Measures the cost of idle streams, and the time from the commit of an event to its arrival. `make bench ONLY=stream`. */
const READERS = Number(process.env.BENCH_READERS ?? 2_000);
const EVENTS = Number(process.env.BENCH_EVENTS ?? 100);
const IDLE_MS = Number(process.env.BENCH_IDLE_MS ?? 20_000);
const EVENT_PAUSE_MS = 100;
const SETTLE_MS = 5_000;
const MAX_TEXT = 8_192;

interface Reader {
  socket: Socket;
  /** The end of the text. */
  text: string;
  onText: (text: string) => void;
}

interface Idle {
  memoryMiB: number;
  transactionsPerSecond: number;
  cpuPercent: number;
}

const directory = await mkdtemp(join(tmpdir(), 'messaging-bench-'));
const embedded = await startEmbedded(directory);
try {
  const databaseUrl = await createDatabase();
  const service = await startBenchService(databaseUrl);
  try {
    await compare(service, databaseUrl);
  } finally {
    await service.stop();
  }
} finally {
  await embedded.stop();
  await rm(directory, { recursive: true, force: true });
}

async function compare(service: BenchProcess, databaseUrl: string): Promise<void> {
  console.log(`load of the machine: ${loadavg()[0]?.toFixed(2)}`);
  // Before any load, so that no memory is free for the streams.
  const one = await openReaders(service, 1);
  const before = await measureIdle(service, databaseUrl);
  const readers = [...one, ...(await openReaders(service, READERS - 1))];
  const after = await measureIdle(service, databaseUrl);
  const memory = after.memoryMiB - before.memoryMiB;
  const each = (memory * 1_024) / READERS;
  console.log(`memory of ${READERS} idle readers: ${memory.toFixed(0)} MiB, ${each.toFixed(1)} KiB each`);
  for (const [count, idle] of [
    [1, before],
    [READERS, after],
  ] as const)
    console.log(
      `with ${count} idle readers: ${idle.transactionsPerSecond.toFixed(2)} transactions per second, ` +
        `${idle.cpuPercent.toFixed(1)} % of a core, ${idle.memoryMiB.toFixed(0)} MiB`,
    );
  const last = describe(await measureArrival(service, readers));
  console.log(`commit to the arrival at the last of ${READERS} readers: ${last}`);
  for (const { socket } of readers) socket.destroy();

  await load(service.url, 8, posts('/api/webhooks/sms', inbound, 2_000));
  console.log(`floor, with NOTIFY and a bare server: ${describe(await measureFloor(databaseUrl))}`);
  const arrival = describe(await measureArrival(service, await openReaders(service, 1)));
  console.log(`commit to the arrival at 1 reader: ${arrival}`);
  console.log(`load of the machine: ${loadavg()[0]?.toFixed(2)}`);
}

async function createDatabase(): Promise<string> {
  await query(embedded.url, 'create database bench_stream');
  const url = Object.assign(new URL(embedded.url), { pathname: '/bench_stream' }).href;
  await migrate(url);
  await createConversations(url);
  return url;
}

/** Opens streams of new events on plain sockets, and waits for the first position of each. */
async function openReaders(service: BenchProcess, count: number): Promise<Reader[]> {
  const { hostname, port } = new URL(service.url);
  const readers: Reader[] = [];
  for (let n = 0; n < count; n++) {
    const socket = connect(Number(port), hostname);
    const reader: Reader = { socket, text: '', onText: () => undefined };
    socket.on('data', (chunk) => {
      reader.text = (reader.text + chunk.toString('latin1')).slice(-MAX_TEXT);
      reader.onText(reader.text);
    });
    await once(socket, 'connect');
    socket.write(`GET /api/events/stream HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${apiKey}\r\n\r\n`);
    readers.push(reader);
  }
  const isOpen = ({ text }: Reader) => text.includes('\nid: ');
  await until(() => readers.every(isOpen), 'every reader has a position', 120_000);
  return readers;
}

/** The times in milliseconds from just before the commits of inbound messages until the last reader has their events. */
async function measureArrival(service: BenchProcess, readers: Reader[]): Promise<number[]> {
  const times: number[] = [];
  for (const request of posts('/api/webhooks/sms', inbound, EVENTS)) {
    const body = JSON.parse(request.body as string).body as string;
    const arrivals = readers.map((reader) => arrivalOf(reader, body));
    await load(service.url, 1, [request]);
    const arrived = await Promise.all(arrivals);
    times.push(Math.max(...arrived.map(({ at }) => at)) - (arrived[0]?.createdAt ?? 0));
    await sleep(EVENT_PAUSE_MS);
  }
  return times;
}

/** The time of arrival of the event with this body, and the time in the event, at which the database inserted it. */
function arrivalOf(reader: Reader, body: string): Promise<{ at: number; createdAt: number }> {
  return new Promise((resolve) => {
    reader.onText = (text) => {
      const end = text.indexOf('\n\n', text.indexOf(body));
      if (!text.includes(body) || end < 0) return;
      reader.onText = () => undefined;
      const start = text.lastIndexOf('event: ', end);
      const [, timestamp = ''] = /"timestamp":"([^"]+)"/.exec(text.slice(start, end)) ?? [];
      resolve({ at: Date.now(), createdAt: Date.parse(timestamp) });
    };
  });
}

/** The same way without the service: an insert with NOTIFY, a listener that reads the row, and a server with one reader. */
async function measureFloor(databaseUrl: string): Promise<number[]> {
  const [writer, listener] = [0, 1].map(() => new pg.Client({ connectionString: databaseUrl }));
  if (!writer || !listener) throw new Error('no connections');
  await Promise.all([writer.connect(), listener.connect()]);
  await writer.query('create table floor (id int, body text)');
  await listener.query('listen floor');
  let write = (_text: string) => {};
  const server = createServer((_request, response) => {
    response.flushHeaders();
    write = (text) => void response.write(text);
  });
  const port = await listen(server);
  const socket = connect(port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nhost: floor\r\n\r\n');
  await once(socket, 'data');
  listener.on('notification', async ({ payload }) => {
    const { rows } = await listener.query('select body from floor where id = $1', [payload]);
    write(rows[0].body);
  });
  const times: number[] = [];
  for (let n = 0; n < EVENTS; n++) {
    const arrived = once(socket, 'data');
    const started = Date.now();
    await writer.query(
      `with row as (insert into floor values (${n}, repeat('x', 800)) returning id) select pg_notify('floor', id::text) from row`,
    );
    await arrived;
    times.push(Date.now() - started);
    await sleep(EVENT_PAUSE_MS);
  }
  socket.destroy();
  server.close();
  await Promise.all([writer.end(), listener.end()]);
  return times;
}

async function measureIdle(service: BenchProcess, databaseUrl: string): Promise<Idle> {
  // The statistics of the last transactions are reported late.
  await sleep(SETTLE_MS);
  const [cpu, transactions, started] = [cpuMs(service.pid), await transactionsOf(databaseUrl), Date.now()];
  await sleep(IDLE_MS);
  const [elapsed, after] = [Date.now() - started, await transactionsOf(databaseUrl)];
  return {
    memoryMiB: memoryMiB(service.pid),
    transactionsPerSecond: ((after - transactions) / elapsed) * 1_000,
    cpuPercent: ((cpuMs(service.pid) - cpu) / elapsed) * 100,
  };
}

async function transactionsOf(databaseUrl: string): Promise<number> {
  const name = new URL(databaseUrl).pathname.slice(1);
  const [row] = await query<{ count: number }>(
    embedded.url,
    'select (xact_commit + xact_rollback)::int as count from pg_stat_database where datname = $1',
    [name],
  );
  return row?.count ?? 0;
}

function memoryMiB(pid: number): number {
  const [, kiB] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kiB) / 1_024;
}

/** The user and system time of a process. A tick is 10 ms. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function describe(times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)];
  return `median ${at(0.5)} ms, 99 % ${at(0.99)} ms, of ${times.length}`;
}
