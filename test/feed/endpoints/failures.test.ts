import { expect } from 'chai';
import type { Schema } from '../../../src/openapi/types.ts';
import {
  type Endpoint,
  type EventReceiver,
  startEndpointService,
  startEventReceiver,
} from '../../support/event-receiver.ts';
import { keepLog } from '../../support/log.ts';
import { until } from '../../support/until.ts';

const [MINUTE, HOUR] = [60, 3_600];
/** The seconds between the attempts. */
const SCHEDULE = [
  ...[5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR],
  ...[10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR],
];
const DAY = 24 * HOUR;

describe('An endpoint that fails', function () {
  this.timeout(60_000);
  const log = keepLog('info');
  let api: Awaited<ReturnType<typeof startEndpointService>>;
  let receiver: EventReceiver;

  before(async () => {
    receiver = await startEventReceiver();
    api = await startEndpointService({}, log.logger);
  });
  after(async () => {
    await api?.service.stop();
    await receiver?.stop();
  });
  afterEach(async () => {
    // An endpoint of one test must not get the events of another.
    await api.sql(
      `update endpoints set enabled = false, disabled_reason = 'request', disabled_at = now() where enabled`,
    );
  });

  const respondWith = (path: string, status: number, headers: Record<string, string> = {}) =>
    receiver.on(path, (_, response) => response.writeHead(status, headers).end(`Status ${status}.`));
  const untilEndpoint = (id: number, condition: (endpoint: Endpoint) => boolean, name: string) =>
    until(async () => {
      const endpoint = await api.get(id);
      return condition(endpoint) && endpoint;
    }, name);
  const untilAttempts = (id: number, count: number) =>
    until(async () => {
      const attempts = await api.attempts(id);
      return attempts.length >= count && attempts;
    }, `${count} attempts`);
  /** The seconds until the next attempt of the only delivery. */
  const untilNextAttempt = async (id: number) => {
    const [row] = await api.sql<{ seconds: number }>(
      `select extract(epoch from next_attempt_at - now())::float8 as seconds from endpoint_deliveries
       where endpoint_id = $1 and lease is null`,
      [id],
    );
    return row?.seconds as number;
  };
  const eventsOf = async (type: string) =>
    ((await api.service.request('GET', `/api/events?type=${type}&limit=200`)).body as Schema<'EventList'>)
      .data;

  it('for an hour gets its event by the schedule afterwards', async () => {
    let clock = 0;
    receiver.on('/hour', (_, response) => response.writeHead(clock < HOUR ? 503 : 200).end());
    const { id } = await api.create(`${receiver.url}/hour`);
    await api.receive();
    let count = 1;
    for (; clock < HOUR; count++) {
      await untilAttempts(id, count);
      const seconds = await untilNextAttempt(id);
      const planned = SCHEDULE[count - 1] as number;
      expect(seconds).to.be.within(planned - 2, planned * 1.1);
      clock += seconds;
      await api.advance(seconds);
    }
    const { failing_since } = await untilEndpoint(
      id,
      (each) => each.pending_count === 0,
      'the event is delivered',
    );
    expect([failing_since, count]).to.deep.equal([null, 5]);
    const attempts = await api.attempts(id);
    expect(attempts.map(({ number, status_code }) => [number, status_code])).to.deep.equal([
      ...[1, 2, 3, 4].map((number) => [number, 503]),
      [5, 200],
    ]);
    expect(new Set(receiver.at('/hour').map((received) => received.id)).size).to.equal(1);
  });

  it('at every attempt has a failed delivery after the last, which a replay repeats', async () => {
    respondWith('/down', 500);
    const { id } = await api.create(`${receiver.url}/down`);
    await api.receive();
    for (const [index, planned] of SCHEDULE.entries()) {
      await untilAttempts(id, index + 1);
      const seconds = await untilNextAttempt(id);
      expect(seconds).to.be.within(planned - 2, planned * 1.1);
      await api.advance(seconds);
    }
    const failed = await untilEndpoint(id, (each) => each.failed_count === 1, 'the delivery has failed');
    expect(failed).to.include({ enabled: true, pending_count: 0 });
    expect(failed.failing_since).to.be.a('string');
    expect((await api.attempts(id)).at(-1)).to.deep.include({
      ...{ number: 10, outcome: 'failed', status_code: 500, response_body: 'Status 500.' },
      error: { code: 'status', detail: 'The endpoint responded 500.' },
    });
    respondWith('/down', 200);
    await api.call('POST', `/${id}/replay`, { failed: true });
    expect((await untilAttempts(id, 11)).at(-1)).to.include({ number: 11, outcome: 'succeeded' });
  });

  it('for five days is disabled, and an event reports this', async () => {
    respondWith('/failing', 500);
    const observer = await api.create(`${receiver.url}/observer`, { event_types: ['endpoint.disabled'] });
    const { id } = await api.create(`${receiver.url}/failing`);
    await api.receive();
    await untilAttempts(id, 1);
    await api.advance(5 * DAY - MINUTE);
    await untilAttempts(id, 2);
    expect((await api.get(id)).enabled).to.equal(true);
    // At once, because the event has the times of the endpoint when it is disabled.
    await api.advance(6 * MINUTE);
    const disabled = await untilEndpoint(id, ({ enabled }) => !enabled, 'the endpoint is disabled');
    expect(disabled).to.include({ disabled_reason: 'failing', pending_count: 1 });
    expect(log.of('endpoint disabled').at(-1)).to.deep.include({ endpointId: id, reason: 'failing' });
    const [received] = await until(
      () => receiver.at('/observer').length > 0 && receiver.at('/observer'),
      'the event is delivered',
    );
    expect(received?.event).to.deep.include({ type: 'endpoint.disabled', data: disabled });
    expect((await eventsOf('endpoint.disabled')).map(({ data }) => (data as Endpoint).id)).to.include(id);
    expect((await api.get(observer.id)).enabled).to.equal(true);
  });

  it('is not disabled after five days if an event succeeded in between', async () => {
    receiver.on('/mixed', ({ event }, response) =>
      response.writeHead((event.data as Schema<'Message'>).body === 'bad' ? 500 : 200).end(),
    );
    const { id } = await api.create(`${receiver.url}/mixed`);
    await api.receive({ body: 'bad' });
    await untilAttempts(id, 1);
    await api.advance(4 * DAY);
    await untilAttempts(id, 2);
    await api.receive();
    await untilEndpoint(id, (each) => each.failing_since === null, 'the endpoint has a success');
    await api.advance(2 * DAY);
    await untilAttempts(id, 4);
    expect((await api.get(id)).enabled).to.equal(true);
  });

  it('with 410 is disabled at once, and continues when it is enabled again', async () => {
    respondWith('/gone', 410);
    const { id } = await api.create(`${receiver.url}/gone`);
    await api.receive();
    const disabled = await untilEndpoint(id, ({ enabled }) => !enabled, 'the endpoint is disabled');
    expect(disabled).to.include({ disabled_reason: 'gone', pending_count: 1 });
    const report = async () => {
      const events = await eventsOf('endpoint.disabled');
      return events.find(({ data }) => (data as Endpoint).id === id);
    };
    await until(report, 'the event has a position');
    await api.receive();
    respondWith('/gone', 204);
    await api.call('PATCH', `/${id}`, { enabled: true });
    await untilEndpoint(
      id,
      (each) => each.pending_count === 0 && each.position > disabled.position,
      'all is delivered',
    );
    expect(receiver.at('/gone')).to.have.length(3);
    const { enabled, disabled_reason, disabled_at, failing_since, updated_at } = disabled;
    expect((await report())?.data, 'the state at the event').to.deep.include({
      ...{ id, enabled, disabled_reason, disabled_at, failing_since, updated_at },
    });
  });

  it('at a URL that is replaced during the attempt is neither disabled nor paused by the response', async () => {
    for (const [status, headers] of [
      [410, {}],
      [503, { 'retry-after': '3600' }],
    ] as const) {
      const replaced = Promise.withResolvers<void>();
      receiver.on(`/old-${status}`, async (_, response) => {
        await replaced.promise;
        response.writeHead(status, headers).end();
      });
      const { id } = await api.create(`${receiver.url}/old-${status}`);
      await api.receive();
      await until(() => receiver.at(`/old-${status}`).length === 1, 'the attempt has begun');
      await api.call('PATCH', `/${id}`, { url: `${receiver.url}/new-${status}` });
      replaced.resolve();
      const endpoint = await untilEndpoint(id, (each) => each.pending_count === 0, 'the event is delivered');
      expect(endpoint).to.include({ enabled: true, failing_since: null });
      expect((await api.attempts(id)).map(({ status_code }) => status_code)).to.deep.equal([status, 204]);
    }
  });

  it('with a redirect fails, and the redirect is not followed', async () => {
    respondWith('/redirect', 302, { location: `${receiver.url}/target` });
    const { id } = await api.create(`${receiver.url}/redirect`);
    await api.receive();
    const [attempt] = await untilAttempts(id, 1);
    expect(attempt).to.include({ outcome: 'failed', status_code: 302 });
    expect(attempt?.error?.code).to.equal('status');
    await api.advance(6);
    await untilAttempts(id, 2);
    expect(receiver.at('/target')).to.deep.equal([]);
  });

  it('with a status that HTTP does not define has attempts as any other', async () => {
    const statuses = ['600', '999', '099'];
    receiver.on('/undefined', (_, { socket }, count) =>
      socket?.end(`HTTP/1.1 ${statuses[count - 1]} Odd\r\nContent-Length: 0\r\n\r\n`),
    );
    const { id } = await api.create(`${receiver.url}/undefined`);
    await api.receive();
    await untilAttempts(id, 1);
    await api.advance(10);
    await untilAttempts(id, 2);
    await api.advance(10 * MINUTE);
    const attempts = await untilAttempts(id, 3);
    expect(attempts.map(({ status_code }) => status_code)).to.deep.equal([600, 999, 99]);
  });

  it('with a wrong certificate gets no event', async () => {
    const secure = await startEventReceiver(true);
    const { id } = await api.create(`${secure.url}/secure`);
    await api.receive();
    const [attempt] = await untilAttempts(id, 1);
    await secure.stop();
    expect(attempt).to.include({ outcome: 'failed', status_code: null });
    expect(attempt?.error?.code).to.equal('tls');
    expect(secure.received).to.deep.equal([]);
  });

  it('with 429 and Retry-After gets no attempt of any event before that time', async () => {
    respondWith('/busy', 429, { 'retry-after': '30' });
    const { id } = await api.create(`${receiver.url}/busy`);
    await api.create(`${receiver.url}/other`);
    await api.receive();
    await untilAttempts(id, 1);
    respondWith('/busy', 200);
    await api.receive();
    await until(() => receiver.at('/other').length === 2, 'the events of another endpoint');
    await api.advance(20);
    expect(await api.attempts(id)).to.have.length(1);
    await api.advance(11);
    await untilEndpoint(id, (each) => each.pending_count === 0, 'both events are delivered');
    expect((await api.attempts(id)).map(({ status_code }) => status_code)).to.deep.equal([429, 200, 200]);
  });

  for (const status of [502, 504])
    it(`with ${status} gets no attempt for a second, and then for longer`, async () => {
      const path = `/slowed-${status}`;
      respondWith(path, status);
      const { id } = await api.create(receiver.url + path);
      /** The seconds from the end of the pause to the next attempt: both begin when the attempt is settled. */
      const untilNextAttemptAfterPause = async () => {
        const [row] = await api.sql<{ seconds: number }>(
          `select extract(epoch from next_attempt_at - paused_until)::float8 as seconds
           from endpoints join endpoint_deliveries on endpoint_id = endpoints.id where endpoints.id = $1`,
          [id],
        );
        return row?.seconds as number;
      };
      await api.receive();
      await untilAttempts(id, 1);
      expect(await untilNextAttemptAfterPause()).to.be.within(4, 4.5);
      await api.advance(6);
      await untilAttempts(id, 2);
      expect(await untilNextAttemptAfterPause()).to.be.within(298, 328);
    });
});
