import { expect } from 'chai';
import pg from 'pg';
import { Breaker } from '../../src/delivery/accounts/breaker.ts';
import { routesOf } from '../../src/delivery/accounts/routing.ts';
import { firstDue } from '../../src/delivery/claim.ts';
import { createLogger } from '../../src/observability/logger.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { createRegistry } from '../../src/providers/registry.ts';
import { loadConfig, type Service, startService } from '../../src/service/service.ts';
import type { Call } from '../../src/simulator/store.ts';
import { sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { environmentFor, type Harness, startHarness } from '../support/harness.ts';
import { standardAccount } from '../support/provider-server.ts';
import { until } from '../support/until.ts';

describe('The rate limits that all workers share', () => {
  let api: Harness;
  let workers: Service[] = [];
  const start = async (environment: Record<string, string>, backlog: () => Promise<unknown>, count = 3) => {
    api = await startHarness({ ROLE: 'api', ...environment });
    await backlog();
    const own = { ...environmentFor(api.simulator.url, api.databaseUrl), ROLE: 'worker', ...environment };
    workers = await Promise.all(
      Array.from({ length: count }, () => startService(loadConfig(own), createLogger('silent'))),
    );
  };
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    await api.stop();
  });

  let sent = 0;
  const send = async (from = sms.from): Promise<number> =>
    (await api.request('POST', '/api/messages/sms', { ...sms, from, to: `+1804555${1_000 + sent++}` })).body
      .id;
  const sendMany = (count: number, from?: string) =>
    Promise.all(Array.from({ length: count }, () => send(from)));
  const calls = async () => (await api.control<{ data: Call[] }>('GET', '/_control/calls')).data;
  const allAccepted = (count: number) =>
    until(async () => (await api.accepted()).length === count, `${count} messages are accepted`);
  /** No call may be early. On a busy machine, calls are late by at most a second. */
  const expectRate = (times: number[], perSecond: number) => {
    const [first = 0, ...others] = times.toSorted((a, b) => a - b);
    for (const [n, at] of others.entries())
      expect(at - first, `call ${n + 2}`).to.be.least(((n + 1) / perSecond) * 1_000 - 1_000);
  };

  it('limit the messages per second of one account', async () => {
    await start({ TEXT_CO_PER_SECOND: '20' }, () => sendMany(50));
    await allAccepted(50);
    expectRate(
      (await calls()).map(({ at }) => at),
      20,
    );
  });

  it('are used completely by one worker while all calls are slow', async () => {
    const latencyMs = 6_000;
    const slowly = async () => {
      await api.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'latency', ms: latencyMs }]);
      await sendMany(50);
    };
    await start({ TEXT_CO_PER_SECOND: '20', DELIVERY_CONCURRENCY: '200' }, slowly, 1);
    const times = await until(async () => {
      const begun = await calls();
      return begun.length === 50 && begun.map(({ at }) => at);
    }, '50 calls begin');
    // Without waits, 50 calls begin within 2.5 s.
    expect(Math.max(...times) - Math.min(...times)).to.be.lessThan(latencyMs);
    expectRate(times, 20);
  });

  it('end the wait for the next claim when they allow a call', async () => {
    await start({}, () => send(), 0);
    const pool = new pg.Pool({ connectionString: api.databaseUrl });
    const account = standardAccount(api.simulator.url);
    const dueIn = (perSecond: number | null) => {
      const [provider] = createRegistry([{ ...account, perSecond }], 1_000).sms;
      const breaker = new Breaker({
        provider: provider as Provider,
        concurrency: 1,
        onChange: () => undefined,
      });
      return firstDue(pool, routesOf('sms', [breaker]));
    };
    expect(await dueIn(1)).to.equal(null);
    await pool.query(`insert into rate_limit_slots values ($1, now() + interval '1 hour')`, [account.name]);
    const hourMs = 3_600_000;
    // A claim within a rate limit may be 250 ms before the call.
    expect(await dueIn(1)).to.be.within(hourMs - 60_000, hourMs - 250);
    expect(await dueIn(null)).to.be.within(hourMs - 60_000, hourMs);
    await pool.end();
  });

  it('limit the messages per second of one sender without a delay for other senders', async () => {
    await start({ TEXT_CO_PER_SECOND_PER_SENDER: '2' }, async () => {
      await sendMany(6, '+12016660001');
      await sendMany(6, '+12016660002');
    });
    await allAccepted(12);
    const accepted = await api.accepted();
    const times = (number: string) =>
      accepted
        .filter(({ request }) => request.from === number)
        .map(({ accepted_at }) => Date.parse(accepted_at));
    for (const number of ['+12016660001', '+12016660002']) expectRate(times(number), 2);
    expect(accepted.slice(0, 2).map(({ request }) => request.from)).to.have.members([
      '+12016660001',
      '+12016660002',
    ]);
    // A wait for the rate limit is not an attempt.
    const retried = await query(api.databaseUrl, 'select from deliveries where attempt_count > 1');
    expect(retried).to.have.length(0);
  });

  it('include the pause after Retry-After, which does not count towards the backoff', async () => {
    await start({}, async () => undefined);
    await api.control('PUT', '/_control/faults', [
      { channel: 'sms', type: 'status', status: 429, retry_after: 2, times: 1 },
    ]);
    const first = await send();
    await until(
      async () => (await query(api.databaseUrl, 'select from delivery_attempts')).length === 1,
      'the first attempt is settled',
    );
    await sendMany(12);
    await allAccepted(13);
    const [throttled, ...others] = await calls();
    expect(throttled?.status).to.equal(429);
    for (const { at } of others) expect(at - (throttled?.at ?? 0)).to.be.least(1_950);
    await api.untilStatus(first, 'delivered');
    const [row] = await query<{ retry_count: number; attempt_count: number }>(
      api.databaseUrl,
      'select retry_count, attempt_count from deliveries where message_id = $1',
      [first],
    );
    expect(row).to.deep.equal({ retry_count: 1, attempt_count: 2 });
    const { data } = (await api.request('GET', `/api/messages/${first}/attempts`)).body;
    expect(data.map(({ outcome }: { outcome: string }) => outcome)).to.deep.equal(['throttled', 'accepted']);
  });
});
