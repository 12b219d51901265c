import { setTimeout as sleep } from 'node:timers/promises';
import got from 'got';
import pg from 'pg';
import type { Accepted } from '../../src/simulator/store.ts';
import { query } from '../support/database.ts';
import { until } from '../support/until.ts';
import { load, type Measured, stopwatch } from './load.ts';
import { type BenchProcess, startBenchService, startServer } from './service.ts';
import { messages, outbound, posts } from './workload.ts';

/** Concurrent calls of the baseline, and of all workers together. */
export const CALLS = 64;
const POLL_INTERVAL_MS = 100;
const DRAIN_TIMEOUT_MS = 300_000;

/** Starts the simulated providers in their own process, without receipts, because receipts would load the API. */
export async function startProviders(): Promise<BenchProcess> {
  const providers = await startServer(
    process.execPath,
    ['src/simulator/main.ts'],
    (port) => ({ SIMULATOR_PORT: String(port), SIMULATOR_API_KEY: 'key' }),
    '/_control/settings',
  );
  await control(providers, 'PUT', 'settings', { receipts: { enabled: false } });
  return providers;
}

/** The baseline: a loop over the same messages that posts them with got, without a database. */
export async function gotBaseline(providers: BenchProcess, count: number): Promise<Measured> {
  const client = got.extend({
    prefixUrl: providers.url,
    headers: { authorization: 'Bearer key' },
    timeout: { request: 10_000 },
  });
  const waiting = messages(outbound, count);
  const clock = stopwatch();
  const started = performance.now();
  await Promise.all(
    Array.from({ length: CALLS }, async () => {
      for (let json = waiting.pop(); json; json = waiting.pop()) {
        const began = performance.now();
        const headers = { 'idempotency-key': crypto.randomUUID() };
        await client.post('sms/messages', { json, headers });
        clock.add(performance.now() - began);
      }
    }),
  );
  const measured = clock.measured(performance.now() - started);
  await control(providers, 'POST', 'reset');
  await control(providers, 'PUT', 'settings', { receipts: { enabled: false } });
  return measured;
}

/**
 * Queues messages through the API, then starts `workers` workers. The first `warmUp` accepted messages are not measured,
 * because the process of the baseline is warm too.
 */
export async function drain(
  databaseUrl: string,
  providers: BenchProcess,
  workers: number,
  count: number,
  warmUp: number,
): Promise<Measured & { stored: number }> {
  const api = await startBenchService(databaseUrl);
  const queued = await load(api.url, CALLS, posts('/api/messages/sms', outbound, warmUp + count));
  await api.stop();
  const started = await Promise.all(
    Array.from({ length: workers }, () =>
      startBenchService(databaseUrl, {
        ROLE: 'worker',
        TEXT_CO_URL: providers.url,
        DELIVERY_CONCURRENCY: String(CALLS / workers),
      }),
    ),
  );
  await untilDrained(databaseUrl);
  await Promise.all(started.map((worker) => worker.stop()));
  const accepted = (await control<{ data: Accepted[] }>(providers, 'GET', 'messages')).data;
  const times = accepted.map(({ accepted_at }) => Date.parse(accepted_at)).sort((a, b) => a - b);
  await control(providers, 'POST', 'reset');
  await control(providers, 'PUT', 'settings', { receipts: { enabled: false } });
  const elapsedMs = (times.at(-1) as number) - (times[warmUp] as number);
  const rows = await query<{ took: number }>(databaseUrl, DURATIONS, [count]);
  return {
    answered: queued.answered,
    failed: queued.failed,
    perSecond: Math.round(((accepted.length - warmUp) / elapsedMs) * 1_000),
    p50: rows[0]?.took ?? 0,
    p99: rows[1]?.took ?? 0,
    stored: accepted.length,
  };
}

/** Polls rarely and over one connection, so that polling does not distort the measurement. */
export async function untilDrained(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await until(
      async () => {
        await sleep(POLL_INTERVAL_MS);
        return (await client.query(PENDING)).rows.length === 0;
      },
      'all deliveries are settled',
      DRAIN_TIMEOUT_MS,
    );
  } finally {
    await client.end();
  }
}

const PENDING = 'select from deliveries where pending limit 1';
/** Median and 99th percentile of the duration of the latest attempts, in milliseconds. */
const DURATIONS = `
  select round(took::numeric, 1)::float8 as took
  from (select percentile_cont(array[0.5, 0.99]) within group (order by duration_ms) as percentiles from (
    select duration_ms from delivery_attempts order by message_id desc limit $1) as latest) as found, unnest(percentiles) as took`;

async function control<T>(providers: BenchProcess, method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`${providers.url}/_control/${path}`, {
    method,
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return (await response.json()) as T;
}
