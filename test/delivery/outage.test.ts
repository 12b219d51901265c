import { mock } from 'node:test';
import { expect } from 'chai';
import { openDatabase } from '../../src/db/pools.ts';
import { Worker } from '../../src/delivery/worker.ts';
import { createEvents } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createRegistry } from '../../src/providers/registry.ts';
import type { Call } from '../../src/simulator/store.ts';
import { sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, hashAddress, noLinks, startHarness } from '../support/harness.ts';
import { standardAccount } from '../support/provider-server.ts';

const CONVERSATIONS = 60;
const EACH = 3;
const STEP_MS = 30_000;
const HOUR_MS = 3_600_000;

describe('A provider that is unavailable for an hour', function () {
  this.timeout(120_000);
  let api: Harness;
  let database: ReturnType<typeof openDatabase>;
  let worker: Worker;
  let ticked = 0;
  /** The longest real time between two ticks of the mocked clock, in milliseconds. */
  let slowest = 0;
  before(async () => {
    api = await startHarness({ ROLE: 'api' });
    database = openDatabase(api.databaseUrl, () => undefined);
    worker = new Worker({
      pool: database.pool,
      providers: createRegistry([standardAccount(api.simulator.url)], 2_000),
      events: createEvents(createLogger('silent')),
      concurrency: 32,
      marginMs: 60_000,
      timeoutMs: 2_000,
      webhookUrlOf: () => null,
      links: noLinks,
      normaliseAddress: (address) => address,
      stopScope: 'channel',
      hashAddress,
      patienceMs: 2_000,
    });
    // The clock of this process is mocked; for the clock of the database, all stored times are moved back.
    mock.timers.enable({ apis: ['Date'], now: Date.now() });
    ticked = performance.now();
  });
  after(async () => {
    mock.timers.reset();
    await worker.stop();
    await database.close();
    await api.stop();
  });

  const advance = async (ms: number) => {
    const real = performance.now() - ticked;
    slowest = Math.max(slowest, real);
    ticked += real;
    mock.timers.tick(Math.round(ms + real));
    if (ms === 0) return;
    await query(
      api.databaseUrl,
      `update deliveries set next_attempt_at = next_attempt_at - $1 * interval '1 ms',
         expires_at = expires_at - $1 * interval '1 ms', created_at = created_at - $1 * interval '1 ms'`,
      [ms],
    );
    await query(api.databaseUrl, `update rate_limit_slots set next_at = next_at - $1 * interval '1 ms'`, [
      ms,
    ]);
  };
  /** Claims until nothing is due; resolves with the number of claimed messages of each round. */
  const drain = async (): Promise<number[]> => {
    const claimed: number[] = [];
    for (;;) {
      await advance(0);
      claimed.push(await worker.runOnce());
      await worker.idle();
      if (claimed.at(-1) === 0) return claimed;
    }
  };
  const calls = async () => (await api.control<{ data: Call[] }>('GET', '/_control/calls')).data;

  it('receives few calls, and afterwards each message of the backlog gradually and in order', async () => {
    await api.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'status', status: 503 }]);
    for (let n = 0; n < CONVERSATIONS * EACH; n++) {
      const to = `+1804555${1_000 + (n % CONVERSATIONS)}`;
      await api.request('POST', '/api/messages/sms', {
        ...sms,
        to,
        body: `${Math.floor(n / CONVERSATIONS)}`,
      });
    }
    await drain();
    const burst = (await calls()).length;
    // The calls that began before the breaker opened, each with its short retries.
    expect(burst).to.be.within(15, 32 * 3 + 10);

    const outage = Date.now();
    for (let passed = 0; passed < HOUR_MS; passed += STEP_MS) {
      await advance(STEP_MS);
      await drain();
    }
    const callsOfOutage = (await calls()).length - burst;
    // One probe per step, a retry every minute, and some probes for the real time of the drains.
    const realMs = Date.now() - outage - HOUR_MS;
    expect(callsOfOutage).to.be.within(HOUR_MS / 60_000 / 2, HOUR_MS / STEP_MS + 10 + realMs / 500);

    const pairs = await query<{ early_ms: number }>(
      api.databaseUrl,
      `select extract(epoch from before.next_attempt_at - later.started_at)::float8 * 1000 as early_ms
       from delivery_attempts as before
       join delivery_attempts as later on later.message_id = before.message_id and later.number = before.number + 1`,
    );
    expect(pairs.length).to.be.greaterThan(10);
    for (const { early_ms } of pairs)
      expect(early_ms, 'milliseconds before next_attempt_at').to.be.lessThan(1_000 + slowest);
    const waits = await query<{ wait: number }>(
      api.databaseUrl,
      `select round(extract(epoch from next_attempt_at - started_at) * 100)::int as wait from delivery_attempts where number = 1`,
    );
    expect(new Set(waits.map(({ wait }) => wait)).size, 'jitter').to.be.greaterThan(waits.length / 2);

    await api.control('PUT', '/_control/faults', []);
    const rounds: number[] = [];
    for (let passed = 0; passed < 70_000; passed += 10_000) {
      await advance(10_000);
      rounds.push(...(await drain()).filter(Boolean));
    }
    for (let hours = 0; hours < 2; hours++) {
      await advance(HOUR_MS);
      await drain();
    }
    // The first round has one call, and each round at most doubles.
    expect(rounds[0]).to.equal(1);
    for (const [index, claimed] of rounds.entries())
      expect(claimed).to.be.at.most(2 * Math.max(...rounds.slice(0, index), 1));
    expect(Math.max(...rounds)).to.be.greaterThan(8);

    const accepted = await api.accepted();
    expect(accepted).to.have.length(CONVERSATIONS * EACH);
    const byRecipient = Map.groupBy(accepted, ({ request }) => request.to);
    for (const messages of byRecipient.values())
      expect(messages.map(({ request }) => request.body)).to.deep.equal(['0', '1', '2']);
  });
});
