import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../src/db/migrate.ts';
import { startEmbedded } from '../../src/service/local/embedded.ts';
import { query } from '../support/database.ts';
import { twilioEnvironment } from '../support/twilio.ts';
import { countMessages, createConversations } from './data.ts';
import { load, type Measured, type Request } from './load.ts';
import { heading, type Row, toLine } from './report.ts';
import { startBenchService } from './service.ts';
import { inbound, posts, twilioPosts } from './workload.ts';

const CONNECTIONS = 64;

interface Round {
  standard: Measured & { stored: number };
  twilio: Measured & { stored: number };
}

/**
 * Compares inbound messages through the signed webhook of Twilio with inbound messages through the signed webhook of the
 * `standard` kind, in turns at one service that has both accounts.
 *
 * @param serverUrl a PostgreSQL server; the service gets a database of its own.
 * @param count messages of each measurement.
 * @returns two rows, of the round with the median ratio.
 */
export async function compareWebhooks(serverUrl: string, rounds: number, count: number): Promise<Row[]> {
  await query(serverUrl, 'create database bench_webhooks');
  const databaseUrl = Object.assign(new URL(serverUrl), { pathname: '/bench_webhooks' }).href;
  await migrate(databaseUrl);
  await createConversations(databaseUrl);
  const service = await startBenchService(databaseUrl, {
    ...twilioEnvironment('http://127.0.0.1:9'),
    SMS_PROVIDERS: 'text-co,twilio',
  });
  const measure = async (requests: Request[]) => {
    const before = await countMessages(databaseUrl);
    const measured = await load(service.url, CONNECTIONS, requests);
    return { ...measured, stored: (await countMessages(databaseUrl)) - before };
  };
  const standard = (n: number) => measure(posts('/api/webhooks/text-co', inbound, n));
  const twilio = (n: number) => measure(twilioPosts(n));
  try {
    const results: Round[] = [];
    await standard(count / 2);
    await twilio(count / 2);
    for (let round = 0; round < rounds; round++) {
      const inTurn = round % 2 === 0;
      const first = await (inTurn ? standard : twilio)(count);
      const second = await (inTurn ? twilio : standard)(count);
      results.push(inTurn ? { standard: first, twilio: second } : { standard: second, twilio: first });
    }
    return rowsOf(results.sort((a, b) => ratioOf(a) - ratioOf(b))[rounds >> 1] as Round);
  } finally {
    await service.stop();
  }
}

function rowsOf(round: Round): Row[] {
  const ratios = { 'of the standard webhook': ratioOf(round) };
  return [
    {
      name: 'inbound, standard webhook of an account',
      connections: CONNECTIONS,
      ...round.standard,
      ratios: {},
    },
    { name: 'inbound, Twilio webhook', connections: CONNECTIONS, ...round.twilio, ratios },
  ];
}

function ratioOf({ standard, twilio }: Round): number {
  return twilio.perSecond / standard.perSecond;
}

// `make bench ONLY=webhooks`
if (import.meta.main) {
  const directory = await mkdtemp(join(tmpdir(), 'messaging-bench-'));
  const embedded = await startEmbedded(directory);
  try {
    console.log(heading());
    const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
    const rows = await compareWebhooks(embedded.url, rounds, Number(process.env.BENCH_COUNT ?? 20_000));
    for (const row of rows) console.log(toLine(row));
  } finally {
    await embedded.stop();
    await rm(directory, { recursive: true, force: true });
  }
}
