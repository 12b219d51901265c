import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbedded } from '../../src/service/local/embedded.ts';
import { query } from '../support/database.ts';
import { until } from '../support/until.ts';
import { createConversations } from './data.ts';
import { startProviders } from './drain.ts';
import { type Measured, paced } from './load.ts';
import { startBenchService } from './service.ts';
import { CONVERSATIONS, inbound, outbound, posts, SHOP } from './workload.ts';

/**
 * Compares the latency of webhooks and sends with and without the retention, in turns, and measures the tables before and after. The
 * messages have ages up to 400 days; the content of those over 100 days is erased, and those over 300 days are deleted.
 */
const COUNT = Number(process.env.BENCH_LARGE ?? 1_000_000);
const PER_SECOND = Number(process.env.BENCH_RATE ?? 100);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 30);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const MAX_DAYS = 400;
const AGES = { RETENTION_DAYS_BODIES: '100', RETENTION_DAYS_MESSAGES: '300' };
const CONNECTIONS = 32;
const CHUNK = 50_000;
const TABLES = ['messages', 'deliveries', 'delivery_attempts', 'delivery_receipts'];
const KINDS = {
  inbound: { path: '/api/webhooks/sms', make: inbound },
  send: { path: '/api/messages/sms', make: outbound },
};

const directory = await mkdtemp(join(tmpdir(), 'messaging-retention-'));
const embedded = await startEmbedded(directory);
const { url } = embedded;
try {
  const api = await startBenchService(url);
  await createConversations(url);
  await seed();
  const providers = await startProviders();
  const worker = await startBenchService(url, { ROLE: 'worker', TEXT_CO_URL: providers.url, ...AGES });
  const without: Measured[][] = [];
  const during: Measured[][] = [];
  await measure(api.url);
  for (let round = 1; round <= ROUNDS; round++) {
    const pause = await pauseRetention();
    without.push(await measure(api.url));
    await pause.end();
    const before = await removed(worker.url);
    await until(async () => (await removed(worker.url)) > before, 'the retention continues');
    const start = await removed(worker.url);
    during.push(await measure(api.url));
    const count = (await removed(worker.url)) - start;
    console.log(`round ${round}: ${Math.round(count / SECONDS)} messages per second were erased or deleted`);
  }
  Object.keys(KINDS).forEach((kind, index) => {
    const p99 = (rounds: Measured[][]) => median(rounds.map((round) => round[index]?.p99 ?? 0));
    const failed = [...without, ...during].reduce((sum, round) => sum + (round[index]?.failed ?? 0), 0);
    const ratio = p99(during) / p99(without);
    console.log(
      `${kind}: p99 ${p99(without)} ms without, ${p99(during)} ms during the retention: ${ratio.toFixed(2)} times; ${failed} failed`,
    );
  });
  await sizes('before the end of the retention');
  await until(async () => (await overdue(worker.url)) === 0, 'nothing is overdue', 6 * 3_600_000);
  await worker.stop();
  await providers.stop();
  await api.stop();
  const pending = await query<{ erased: string; left: string }>(
    url,
    `select count(*) filter (where redacted_at is not null) as erased, count(*) as left from messages where id <= $1`,
    [COUNT],
  );
  console.log(
    `of ${COUNT} messages, ${pending[0]?.left} are left, of which ${pending[0]?.erased} are erased`,
  );
  await sizes('after the retention');
  await query(url, 'vacuum full');
  await sizes('after vacuum full');
} finally {
  await embedded.stop();
  await rm(directory, { recursive: true });
}

/** Half of the messages are inbound, with their payload; the others are delivered, with an attempt and a receipt. */
async function seed(): Promise<void> {
  for (let from = 1; from <= COUNT; from += CHUNK)
    await query(
      url,
      `with given as (
         select n, 1 + n / 2 % $4::int as conversation_id, n % 2 = 0 as is_inbound,
           now() - $5::int * interval '1 day' * (1 - n::float8 / $6::int) as at
         from generate_series($2::int, $3::int) as n
       ), message as (
         insert into messages (id, conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata,
           provider, provider_message_id, segments, "timestamp", payload, created_at, purpose)
         select n, conversations.id, case when is_inbound then participant_ids[2] else participant_ids[1] end,
           case when is_inbound then 'inbound' else 'outbound' end, 'sms', case when is_inbound then address else $1 end,
           array[case when is_inbound then $1 else address end],
           'About the parcel number ' || n || ': when will it be here? ' || repeat('Please answer soon. ', 4), '{}', '{}',
           case when is_inbound then 'filler' end, case when is_inbound then 'filler-' || n end, 1, at,
           case when is_inbound then jsonb_build_object('id', n, 'text', repeat('payload ', 30)) end, at,
           case when not is_inbound then 'conversational' end
         from given join conversations on conversations.id = conversation_id
         join participants on participants.id = participant_ids[2]
         order by n returning id, conversation_id, direction, created_at
       ), delivery as (
         insert into deliveries (message_id, conversation_id, channel, status, provider, provider_message_id, delivery_key,
           expires_at, attempt_count, created_at, updated_at)
         select id, conversation_id, 'sms', 'delivered', 'text-co', 'sent-' || id, gen_random_uuid(), created_at, 1, created_at,
           created_at
         from message where direction = 'outbound' returning message_id, created_at
       ), attempt as (
         insert into delivery_attempts (message_id, number, provider, started_at, duration_ms, outcome, provider_message_id)
         select message_id, 1, 'text-co', created_at, 20, 'accepted', 'sent-' || message_id from delivery
       )
       insert into delivery_receipts (provider, provider_message_id, message_id, status, occurred_at, received_at, payload)
       select 'text-co', 'sent-' || message_id, message_id, 'delivered', created_at, created_at,
         jsonb_build_object('id', message_id, 'text', repeat('receipt ', 30))
       from delivery`,
      [SHOP, from, Math.min(from + CHUNK - 1, COUNT), CONVERSATIONS, MAX_DAYS, COUNT],
    );
  await query(url, `select setval('messages_id_seq', $1);`, [COUNT]);
  await query(
    url,
    `update conversations set message_count = counted.messages, last_message_at = counted.at
     from (select conversation_id, count(*) as messages, max(created_at) as at from messages group by 1) as counted
     where conversations.id = counted.conversation_id`,
  );
  await query(url, 'vacuum analyze');
  await sizes('at the start');
}

/** Both kinds of requests at the same time, each at the rate; in the order of `KINDS`. */
function measure(apiUrl: string): Promise<Measured[]> {
  return Promise.all(
    Object.values(KINDS).map(({ path, make }) =>
      paced(apiUrl, CONNECTIONS, PER_SECOND, posts(path, make, PER_SECOND * SECONDS)),
    ),
  );
}

/** The worker takes no batch while another transaction has the positions. */
async function pauseRetention(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('begin; select from retention_positions for update');
  return client;
}

async function metric(workerUrl: string, name: string): Promise<number> {
  const response = await fetch(`${workerUrl}/metrics`, {
    headers: { authorization: 'Bearer a-key-for-the-benchmark' },
  });
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

function removed(workerUrl: string): Promise<number> {
  return metric(workerUrl, 'messaging_retention_removed_total');
}

function overdue(workerUrl: string): Promise<number> {
  return metric(workerUrl, 'messaging_retention_overdue_seconds');
}

async function sizes(when: string): Promise<void> {
  const rows = await query<{ size: string }>(
    url,
    `select name || ' ' || pg_size_pretty(pg_total_relation_size(name::regclass)) as size from unnest($1::text[]) as name`,
    [TABLES],
  );
  console.log(`${when}: ${rows.map(({ size }) => size).join(', ')}`);
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
