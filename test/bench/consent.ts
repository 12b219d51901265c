import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { storedFunction } from '../../src/db/functions.ts';
import { migrate } from '../../src/db/migrate.ts';
import { openPool } from '../../src/db/pools.ts';
import { Ledger } from '../../src/delivery/attempt/ledger.ts';
import { createEvents } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { startEmbedded } from '../../src/service/local/embedded.ts';
import { query } from '../support/database.ts';
import { createConversations } from './data.ts';
import { load } from './load.ts';
import { type BenchProcess, startBenchService } from './service.ts';
import { outbound, posts } from './workload.ts';

const ENTRIES = Number(process.env.BENCH_ENTRIES ?? 1_000_000);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 15);
/** Messages that each service accepts in one round, one after the other. */
const MESSAGES = 300;
/** Messages of one claim. */
const BATCH = 30;
const ROUTE = {
  ...{ n: 1, channel: 'sms', assigned_to: '', reassignable: true, preferred: [], provider: 'text-co' },
  ...{ free_slots: BATCH, retries: BATCH, first: null, newest_first: false },
  ...{ per_second: null, per_second_per_sender: null, lease_ms: 60_000, large_lease_ms: 60_000 },
};
const FILL = `
  insert into suppressions (address_hash, address, channel, scope, reasons)
  select sha256(n::text::bytea), n::text, 'sms', 'channel', '{stop_keyword}' from generate_series(1, $1::int) as n`;

/** A service with a database of its own. */
interface Side {
  service: BenchProcess;
  pool: pg.Pool;
  ledger: Ledger;
  /** Of each round in milliseconds: the mean of an accepted request, and the median of a claim with its check. */
  accepts: number[];
  claims: number[];
}

async function createSide(serverUrl: string, name: string, entries: number): Promise<Side> {
  await query(serverUrl, `create database ${name}`);
  const url = Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href;
  await migrate(url);
  await createConversations(url);
  await query(url, FILL, [entries]);
  await query(url, 'vacuum analyze');
  const pool = openPool(url, (error) => console.error(error), { poolSize: 2 });
  const ledger = new Ledger(pool, createEvents(createLogger('silent')));
  return { service: await startBenchService(url), pool, ledger, accepts: [], claims: [] };
}

async function accept({ service }: Side, count: number): Promise<number> {
  // The percentiles of `load` are rounded to a tenth of a millisecond.
  return 1_000 / (await load(service.url, 1, posts('/api/messages/sms', outbound, count))).perSecond;
}

/** Claims and checks all queued messages, without sending them. Returns the median duration of a batch. */
async function claimAll({ pool, ledger }: Side): Promise<number> {
  const took: number[] = [];
  for (;;) {
    const started = performance.now();
    const { rows } = await pool.query<{ id: number; attempt_count: number; may_have_been_sent: boolean }>(
      `select * from ${storedFunction('claim_deliveries')}($1, $2, $2)`,
      [JSON.stringify([ROUTE]), BATCH],
    );
    if (rows.length === 0) return median(took);
    await ledger.check(rows);
    took.push(performance.now() - started);
    await pool.query(
      `update deliveries set status = 'canceled', next_attempt_at = null where message_id = any($1)`,
      [rows.map(({ id }) => id)],
    );
  }
}

async function measure(side: Side): Promise<void> {
  side.accepts.push(await accept(side, MESSAGES));
  side.claims.push(await claimAll(side));
}

function median(numbers: number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;
}

function toRow(name: string, empty: number[], full: number[]): string {
  const ratio = median(full.map((ms, round) => ms / (empty[round] as number)));
  const [none, many] = [median(empty), median(full)].map((ms) => ms.toFixed(2));
  return `${name}: ${none} ms with an empty ledger, ${many} ms with ${ENTRIES} entries, ratio ${ratio.toFixed(3)}`;
}

/** `make bench ONLY=consent`: the cost of an accepted request and of a claim, in turns with an empty and with a full ledger. */
const directory = await mkdtemp(join(tmpdir(), 'messaging-bench-'));
const embedded = await startEmbedded(directory);
await using stack = new AsyncDisposableStack();
stack.defer(async () => {
  await embedded.stop();
  await rm(directory, { recursive: true, force: true });
});
const empty = await createSide(embedded.url, 'bench_ledger_empty', 0);
const full = await createSide(embedded.url, 'bench_ledger_full', ENTRIES);
for (const { service, pool } of [empty, full])
  stack.defer(async () => {
    await pool.end();
    await service.stop();
  });
for (const side of [empty, full]) {
  await accept(side, 1_000);
  await claimAll(side);
}
for (let round = 0; round < ROUNDS; round++)
  for (const side of round % 2 === 0 ? [empty, full] : [full, empty]) await measure(side);
console.log(toRow('accept', empty.accepts, full.accepts));
console.log(toRow(`claim of ${BATCH}`, empty.claims, full.claims));
