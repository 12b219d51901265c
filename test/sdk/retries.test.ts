import { expect } from 'chai';
import { ConnectionError, createClient, TimeoutError, UnavailableError } from '../../sdk/src/index.ts';
import { sms } from '../support/bodies.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { type Fault, type FaultyProxy, startProxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { problemBody, rejection } from './support.ts';

const unavailable: Fault = { type: 'status', status: 503, body: problemBody(503) };

describe('The SDK behind a faulty network', () => {
  let service: Harness;
  let proxy: FaultyProxy;
  const client = (options = {}) => createClient({ baseUrl: proxy.url, retryDelay: 1, ...options });
  const keys = () => proxy.requests.map(({ headers }) => headers['idempotency-key']);
  const statuses = () => proxy.requests.map(({ response }) => response?.status);

  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());
  beforeEach(async () => {
    proxy = await startProxy(service.url);
  });
  afterEach(() => proxy.stop());

  it('creates one message although two tries are refused and one response is lost', async () => {
    proxy.faults.push(unavailable, unavailable, { type: 'lost_response' });
    const body = 'Said once';
    const message = await client().messages.send({ ...sms, body });
    expect(statuses()).to.deep.equal([undefined, undefined, 202, 202]);
    expect(proxy.requests[3]?.response?.headers.get('idempotent-replayed')).to.equal('true');
    expect(JSON.parse(proxy.requests[2]?.response?.body ?? '')).to.deep.equal(message);
    expect(new Set(keys())).to.have.property('size', 1);
    const { data } = await service.client.messages.list({ q: '"Said once"' });
    expect(data.map(({ id }) => id)).to.deep.equal([message.id]);
    await service.untilStatus(message.id, 'delivered');
    expect((await service.accepted()).filter((accepted) => accepted.request.body === body)).to.have.length(1);
  });

  it('sends the same body in every try', async () => {
    proxy.faults.push(unavailable, { type: 'lost_response' });
    await client().messages.send(sms);
    expect(proxy.requests.map(({ body }) => JSON.parse(body))).to.deep.equal([sms, sms, sms]);
  });

  it('retries after an incomplete response', async () => {
    proxy.faults.push({ type: 'cut_response' });
    const message = await client().messages.send(sms);
    expect(statuses()).to.deep.equal([202, 202]);
    expect(message.body).to.equal(sms.body);
  });

  it('retries after a timeout', async () => {
    proxy.faults.push({ type: 'stall' });
    await client({ timeout: 2_000 }).messages.send(sms);
    expect([statuses()[0], statuses().at(-1)]).to.deep.equal([undefined, 202]);
    expect(new Set(keys())).to.have.property('size', 1);
  });

  it('sends a random Idempotency-Key per call, or the given key', async () => {
    await client().messages.send(sms);
    await client().messages.send(sms);
    await client().messages.send(sms, { idempotencyKey: 'mine' });
    const [first, second, third] = keys();
    expect(first)
      .to.match(/^[0-9a-f-]{36}$/)
      .and.not.equal(second);
    expect(third).to.equal('mine');
  });

  it('retries GET, PATCH, PUT and DELETE', async () => {
    const [id = 0, other = 0] = await Promise.all(
      ['+18045551111', '+18045552222'].map(async (to) => {
        await service.client.messages.send({ ...sms, to });
        return (await service.client.participants.list({ address: to })).data[0]?.id;
      }),
    );
    for (const call of [
      () => client().participants.get(id),
      () => client().participants.update(id, { name: 'Ada' }),
      () => client().participants.link(id, other),
    ]) {
      proxy.faults.push(unavailable, { type: 'lost_response' });
      expect((await call()).id).to.equal(id);
    }
    expect(proxy.requests).to.have.length(9);
  });

  it('retries raw requests, with an Idempotency-Key', async () => {
    proxy.faults.push(unavailable, { type: 'lost_response' });
    const { data } = await client().raw.POST('/api/messages/sms', { body: sms });
    expect(data?.status).to.equal('queued');
    expect(new Set(keys())).to.have.property('size', 1);
  });

  it('fails after maxRetries retries with the error of the last try', async () => {
    for (const [fault, Expected] of [
      [unavailable, UnavailableError],
      [{ type: 'lost_response' }, ConnectionError],
    ] as const) {
      proxy.requests.length = 0;
      proxy.faults.push(fault, fault, fault);
      expect(await rejection(client({ maxRetries: 2 }).messages.list())).to.be.instanceOf(Expected);
      expect(proxy.requests).to.have.length(3);
      proxy.faults.push(fault);
      await rejection(client().messages.list({}, { maxRetries: 0 }));
      expect(proxy.requests).to.have.length(4);
    }
  });

  it('does not retry 404 and 422', async () => {
    await rejection(client().messages.get(999_999));
    await rejection(client().messages.list({ q: '' }));
    expect(statuses()).to.deep.equal([404, 422]);
  });

  it('fails at once if Retry-After is more than a minute', async () => {
    proxy.faults.push({ ...unavailable, headers: { 'retry-after': '3600' } });
    const error = await rejection(client().messages.get(1));
    expect(error).to.be.instanceOf(UnavailableError).and.include({ retryAfter: 3_600, status: 503 });
    expect(proxy.requests).to.have.length(1);
  });

  it('waits for Retry-After', async () => {
    const start = performance.now();
    for (const status of [429, 503])
      proxy.faults.push({ type: 'status', status, headers: { 'retry-after': '1' } });
    await client().messages.send(sms);
    expect(performance.now() - start).to.be.above(1_990);
    expect(statuses()).to.deep.equal([undefined, undefined, 202]);
  });

  it('reports that nothing listens at the URL', async () => {
    const gone = await startProxy(service.url);
    await gone.stop();
    const error = await rejection(createClient({ baseUrl: gone.url, retryDelay: 1 }).messages.get(1));
    expect(error).to.be.instanceOf(ConnectionError).and.include({ code: 'connection_failed' });
    expect((error as Error).cause).to.be.instanceOf(TypeError);
    expect((error as Error).message).to.contain(gone.url);
  });

  it('reports that a response is not from the service', async () => {
    proxy.faults.push({ type: 'status', status: 200, body: '<p>Please sign in' });
    const error = await rejection(client().messages.get(1));
    expect(error).to.be.instanceOf(ConnectionError).and.include({
      code: 'unexpected_response',
      message: 'The response (status 2xx) is not from the service.',
    });
  });

  describe('aborts a call', () => {
    it('after the timeout of the client or of the call', async () => {
      for (const call of [
        () => client({ timeout: 20, maxRetries: 0 }).messages.send(sms),
        () => client().messages.send(sms, { timeout: 20, maxRetries: 0 }),
      ]) {
        proxy.faults.push({ type: 'stall' });
        const error = await rejection(call());
        expect(error).to.be.instanceOf(TimeoutError).and.instanceOf(ConnectionError);
        expect(error).to.include({ code: 'timeout', message: 'No response within 20 ms.' });
      }
    });

    it('after the timeout, also if a response comes at the same time', async () => {
      const late = async ({ signal }: Request) => {
        await until(() => signal.aborted, 'the timeout');
        return Response.json({ id: 1 });
      };
      const error = await rejection(client({ fetch: late, maxRetries: 0, timeout: 1 }).messages.get(1));
      expect(error).to.be.instanceOf(TimeoutError);
    });

    it('during a try, with the reason of the signal', async () => {
      const controller = new AbortController();
      proxy.faults.push({ type: 'stall' });
      const ended = rejection(client().messages.send(sms, { signal: controller.signal }));
      await until(() => proxy.requests.length === 1, 'it is under way');
      controller.abort();
      expect(await ended)
        .to.equal(controller.signal.reason)
        .and.include({ name: 'AbortError' });
      expect(proxy.requests).to.have.length(1);
    });

    it('during the delay before a retry', async () => {
      const controller = new AbortController();
      proxy.faults.push({ type: 'status', status: 503, headers: { 'retry-after': '50' } });
      let answered = false;
      const slow = client({
        fetch: async (request: Request) => {
          const response = await fetch(request);
          answered = true;
          return response;
        },
      });
      const ended = rejection(slow.messages.send(sms, { signal: controller.signal }));
      await until(() => answered, 'it is answered');
      controller.abort('no more');
      expect(await ended).to.equal('no more');
      expect(proxy.requests).to.have.length(1);
    }).timeout(20_000);

    it('before the first try', async () => {
      const signal = AbortSignal.abort('never mind');
      expect(await rejection(client().messages.send(sms, { signal }))).to.equal('never mind');
      expect(await rejection(client().raw.GET('/api/messages', { signal }))).to.equal('never mind');
      expect(proxy.requests).to.have.length(0);
    });

    it('between two pages', async () => {
      const controller = new AbortController();
      for (const body of ['one', 'two']) await service.client.messages.send({ ...sms, body });
      const read: number[] = [];
      const reading = async () => {
        for await (const { id } of client().messages.list({ limit: 1 }, { signal: controller.signal })) {
          read.push(id);
          controller.abort('enough');
        }
      };
      expect(await rejection(reading())).to.equal('enough');
      expect(read).to.have.length(1);
    });
  });
});
