import type { ServerResponse } from 'node:http';
import { expect } from 'chai';
import { query } from '../../support/database.ts';
import {
  type EventReceiver,
  startEndpointService,
  startEventReceiver,
} from '../../support/event-receiver.ts';
import { until } from '../../support/until.ts';
import { untilRestarted, workerOf } from '../../support/worker-process.ts';

type Api = Awaited<ReturnType<typeof startEndpointService>>;
/** Longer than a lease. */
const LEASE_SECONDS = 31;

describe('The workers that deliver events', function () {
  this.timeout(60_000);
  let receiver: EventReceiver;
  const services: { stop(): Promise<void> }[] = [];
  before(async () => {
    receiver = await startEventReceiver();
  });
  afterEach(async () => {
    for (const service of services.splice(0)) await service.stop();
  });
  after(() => receiver?.stop());

  const start = async (...options: Parameters<typeof startEndpointService>): Promise<Api> => {
    const api = await startEndpointService(...options);
    services.push(api.service);
    return api;
  };
  /** The first request with this path gets no response until the returned function is called. */
  const holdFirst = (path: string) => {
    let held: ServerResponse | undefined;
    receiver.on(path, (_, response, count) => {
      if (count === 1) held = response;
      else response.writeHead(204).end();
    });
    return () => held?.writeHead(204).end();
  };
  const untilReceived = (path: string, count: number) =>
    until(() => receiver.at(path).length >= count && receiver.at(path), `${count} requests at ${path}`);
  const untilAttempts = (api: Pick<Api, 'attempts'>, id: number, count: number) =>
    until(async () => {
      const attempts = await api.attempts(id);
      return attempts.length >= count && attempts;
    }, `${count} attempts`);

  it('repeat the attempt of a worker process that was killed, with the same id', async () => {
    const api = await start({}, undefined, true);
    const pid = await until(() => workerOf(process.pid), 'a worker process runs');
    holdFirst('/killed');
    const { id } = await api.create(`${receiver.url}/killed`);
    await api.receive();
    await untilReceived('/killed', 1);
    process.kill(pid, 'SIGKILL');
    await untilRestarted(process.pid, pid);
    expect(await api.attempts(id)).to.deep.equal([]);
    await api.advance(LEASE_SECONDS);
    const [first, second] = await untilReceived('/killed', 2);
    expect(second?.id).to.equal(first?.id);
    const attempts = await untilAttempts(api, id, 2);
    expect(attempts.map(({ number, outcome, error }) => [number, outcome, error?.code])).to.deep.equal([
      [1, 'failed', 'worker_lost'],
      [2, 'succeeded', undefined],
    ]);
    expect(attempts[0]).to.include({ status_code: null, duration_ms: null, response_body: null });
    expect((await api.get(id)).failing_since).to.equal(null);
  });

  it('end an attempt that outlasts their stop, so that another worker repeats it at once', async () => {
    const stopped = await start({ STOP_TIMEOUT_MS: '1000' });
    holdFirst('/stopped');
    const { id } = await stopped.create(`${receiver.url}/stopped`);
    await stopped.receive();
    await untilReceived('/stopped', 1);
    await stopped.service.stop();
    const next = await start({ DATABASE_URL: stopped.service.databaseUrl });
    await untilReceived('/stopped', 2);
    const attempts = await untilAttempts(next, id, 2);
    expect(attempts.map(({ error }) => error?.code)).to.deep.equal(['worker_lost', undefined]);
  });

  it('wait at their stop for an attempt that ends in time', async () => {
    const api = await start();
    const release = holdFirst('/waited');
    const { id } = await api.create(`${receiver.url}/waited`);
    await api.receive();
    await untilReceived('/waited', 1);
    const stopping = api.service.stop();
    release();
    await stopping;
    const rows = await query(
      api.service.databaseUrl,
      'select status from endpoint_deliveries where endpoint_id = $1',
      [id],
    );
    expect(rows).to.deep.equal([{ status: 'delivered' }]);
  });

  it('share the deliveries, so that each event is sent once', async () => {
    const api = await start({ ROLE: 'api' });
    for (let n = 0; n < 3; n++) await start({ ROLE: 'worker', DATABASE_URL: api.service.databaseUrl });
    const ids = await Promise.all(
      ['/shared/1', '/shared/2', '/shared/3'].map(async (path) => (await api.create(receiver.url + path)).id),
    );
    await Promise.all(Array.from({ length: 60 }, () => api.receive()));
    for (const [index, id] of ids.entries()) {
      const received = await untilReceived(`/shared/${index + 1}`, 60);
      await until(async () => (await api.get(id)).pending_count === 0, 'no delivery is pending');
      expect(new Set(received.map((each) => each.id)).size).to.equal(60);
      expect(received).to.have.length(60);
    }
  });

  it('keep the result of an attempt while the database is unavailable', async () => {
    const api = await start();
    const release = holdFirst('/outage');
    const { id } = await api.create(`${receiver.url}/outage`);
    await api.receive();
    await untilReceived('/outage', 1);
    const name = new URL(api.service.databaseUrl).pathname.slice(1);
    const admin = (text: string) => query(process.env.TEST_DATABASE_URL ?? '', text);
    await admin(`alter database ${name} allow_connections false`);
    await admin(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
    release();
    await until(
      async () => (await api.service.request('GET', '/readyz')).status === 503,
      'the database is unavailable',
    );
    await admin(`alter database ${name} allow_connections true`);
    await until(
      async () => (await api.service.request('GET', '/readyz')).status === 200,
      'the database is available',
    );
    expect(await untilAttempts(api, id, 1)).to.have.length(1);
    await api.receive();
    await untilReceived('/outage', 2);
    expect((await untilAttempts(api, id, 2)).map(({ outcome }) => outcome)).to.deep.equal([
      ...['succeeded', 'succeeded'],
    ]);
  });
});
