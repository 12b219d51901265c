import { expect } from 'chai';
import { createLogger } from '../../src/observability/logger.ts';
import { loadConfig, type Service, startService } from '../../src/service/service.ts';
import { sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { environmentFor, type Harness, startHarness } from '../support/harness.ts';
import { until } from '../support/until.ts';

describe('Several processes on one database', () => {
  let api: Harness;
  const workers: Service[] = [];
  const addWorker = async () => {
    const environment = {
      ...environmentFor(api.simulator.url, api.databaseUrl),
      ROLE: 'worker',
      // On a busy machine, the timeout must not cause a second call.
      PROVIDER_TIMEOUT_MS: '10000',
    };
    workers.push(await startService(loadConfig(environment), createLogger('silent')));
  };
  beforeEach(async () => {
    api = await startHarness({ ROLE: 'api' });
  });
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.stop()));
    await api.stop();
  });

  const send = async (n: number) =>
    (await api.request('POST', '/api/messages/sms', { ...sms, to: `+1804555${1_000 + n}` })).body
      .id as number;

  it('share the work of delivering, and deliver each message once', async () => {
    const before = await Promise.all(Array.from({ length: 20 }, (_, n) => send(n)));
    expect((await api.request('GET', `/api/messages/${before[0]}`)).body.status).to.equal('queued');
    await Promise.all([addWorker(), addWorker(), addWorker()]);
    const after = await Promise.all(Array.from({ length: 20 }, (_, n) => send(n)));
    for (const id of [...before, ...after]) await api.untilStatus(id, 'delivered');
    const accepted = await api.accepted();
    expect(accepted).to.have.length(40);
    expect(accepted.every(({ request_count }) => request_count === 1)).to.equal(true);
  });

  it('wake each other long before the next poll', async () => {
    await addWorker();
    const delays = [];
    for (let n = 0; n < 5; n++) {
      const id = await send(n);
      await api.untilStatus(id, 'delivered');
      const { created_at } = (await api.request('GET', `/api/messages/${id}`)).body;
      const [attempt] = (await api.request('GET', `/api/messages/${id}/attempts`)).body.data;
      delays.push(Date.parse(attempt.started_at) - Date.parse(created_at));
    }
    expect(Math.min(...delays)).to.be.lessThan(500);
  });

  it('receive notifications again after their connections were lost', async () => {
    await addWorker();
    await query(
      api.databaseUrl,
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    // Until a lost connection is noticed, a request that uses it gets 503, which a client repeats.
    const first = await until(() => send(0), 'the first message is accepted');
    await api.untilStatus(first, 'delivered');
    await api.untilStatus(await send(1), 'delivered');
  });
});
