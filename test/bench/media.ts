import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../src/db/migrate.ts';
import { startEmbedded } from '../../src/service/local/embedded.ts';
import { query } from '../support/database.ts';
import { load } from './load.ts';
import { measureBackground } from './media/background.ts';
import { addMedia, fillMessages, sequentialScans, sizesOf } from './media/data.ts';
import { transferAll } from './media/transfers.ts';
import { type BenchProcess, startBenchService } from './service.ts';
import { gets } from './workload.ts';

/** Half of the messages have a file of 200 kB. 100,000 files need 25 GB on the disk. */
const FILES = Number(process.env.BENCH_MEDIA ?? 2_000);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 9);
const TRANSFERS = Number(process.env.BENCH_TRANSFERS ?? 50);
/** A smaller table may be scanned, because that is faster than its index. */
const LARGE = 10_000;
/** Requests of one measurement, one after the other. */
const READS = 100;
/** Rounds before the measurement. */
const WARM_UP = 3;

interface Side {
  url: string;
  service: BenchProcess;
  /** Of each kind of read, the mean of each round in milliseconds. */
  times: Map<string, number[]>;
}

/** Messages of both sides have the same ids. */
type Read = (sample: Sample) => string;
interface Sample {
  id: number;
  conversation_id: number;
}

const KINDS: Record<string, { type: 'sms' | 'mms'; path: Read }> = {
  'list a conversation without files': { type: 'sms', path: messagesOf },
  'get a message without files': { type: 'sms', path: messageOf },
  'list a conversation whose messages have a file each': { type: 'mms', path: messagesOf },
  'get a message with a file': { type: 'mms', path: messageOf },
};

function messagesOf({ conversation_id }: Sample): string {
  return `/api/conversations/${conversation_id}/messages`;
}

function messageOf({ id }: Sample): string {
  return `/api/messages/${id}`;
}

async function createDatabase(serverUrl: string, name: string): Promise<string> {
  await query(serverUrl, `create database ${name}`);
  const url = Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href;
  await migrate(url);
  await fillMessages(url, FILES);
  return url;
}

async function startSide(url: string): Promise<Side> {
  const service = await startBenchService(url, { PUBLIC_URL: 'https://messages.example.com' });
  return { url, service, times: new Map(Object.keys(KINDS).map((kind) => [kind, []])) };
}

/** Messages of a type, spread evenly over all of them. */
function sampleOf({ url }: Side, type: string, round: number): Promise<Sample[]> {
  const step = Math.max(1, Math.floor(FILES / READS));
  return query<Sample>(
    url,
    `select id, conversation_id
     from (select id, conversation_id, row_number() over (order by id) as n from messages where type = $1) as numbered
     where n % ${step} = ${round % step} order by id limit ${READS}`,
    [type],
  );
}

async function measure(side: Side, round: number): Promise<void> {
  for (const [kind, { type, path }] of Object.entries(KINDS)) {
    const requests = gets((await sampleOf(side, type, round)).map(path));
    const { perSecond, answered } = await load(side.service.url, 1, requests);
    if (answered === 0 || answered < requests.length)
      throw new Error(`${answered} of ${requests.length} reads were answered`);
    side.times.get(kind)?.push(1_000 / perSecond);
  }
}

async function warmUp(side: Side): Promise<void> {
  for (let round = 0; round < WARM_UP; round++) await measure(side, round);
  for (const times of side.times.values()) times.length = 0;
}

function median(numbers: number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;
}

function report(kind: string, without: Side, withFiles: Side): string {
  const [none, many] = [without, withFiles].map(({ times }) => times.get(kind) as number[]) as [
    number[],
    number[],
  ];
  const ratio = median(many.map((ms, round) => ms / (none[round] as number)));
  return `${kind}: ${median(none).toFixed(2)} ms without media, ${median(many).toFixed(2)} ms with media, ratio ${ratio.toFixed(3)}`;
}

const directory = await mkdtemp(join(tmpdir(), 'messaging-bench-'));
await using stack = new AsyncDisposableStack();
stack.defer(() => rm(directory, { recursive: true, force: true }));
const embedded = await startEmbedded(directory);
stack.defer(() => embedded.stop());
const urls = [
  await createDatabase(embedded.url, 'bench_without_media'),
  await createDatabase(embedded.url, 'bench_media'),
] as const;
await addMedia(urls[1]);
const { files, gigabytes } = await sizesOf(urls[1]);
console.log(`${files} files, ${gigabytes.toFixed(1)} GB in media_chunks`);
const scans = await sequentialScans(urls[1]);

const sides = [await startSide(urls[0]), await startSide(urls[1])] as const;
for (const side of sides) await warmUp(side);
for (let round = 0; round < ROUNDS; round++)
  for (const side of round % 2 === 0 ? sides : sides.toReversed()) await measure(side, round);
for (const kind of Object.keys(KINDS)) console.log(report(kind, ...sides));

const { idleMiB, peakMiB, seconds } = await transferAll(sides[1].service, TRANSFERS);
console.log(
  `${TRANSFERS} uploads and ${TRANSFERS} downloads of 25 MiB at once: ${idleMiB.toFixed(0)} MiB before, ` +
    `at most ${peakMiB.toFixed(0)} MiB (${(peakMiB - idleMiB).toFixed(0)} MiB more), ${seconds.toFixed(1)} s`,
);
for (const { service } of sides) await service.stop();
const { claimMs, collectSeconds } = await measureBackground(urls[1]);
console.log(
  `claim of files to fetch: ${claimMs.toFixed(2)} ms; a walk of the collection: ${collectSeconds.toFixed(1)} s`,
);
const after = await sequentialScans(urls[1]);
const scanned = Object.keys(after).filter((table) => after[table] !== scans[table]);
console.log(`sequential scans of the tables of files: ${scanned.join(', ') || 'none'}`);
if (FILES >= LARGE) process.exitCode = Math.min(scanned.length, 1);
