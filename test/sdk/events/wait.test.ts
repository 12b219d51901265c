import { expect } from 'chai';
import {
  type Client,
  type ClientOptions,
  createClient,
  DeliveryError,
  NotFoundError,
  TimeoutError,
} from '../../../sdk/src/index.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { type FaultyProxy, startProxy } from '../../support/proxy.ts';
import { until } from '../../support/until.ts';
import { problemBody, rejection } from '../support.ts';

describe('messages.wait of the SDK', function () {
  this.timeout(60_000);
  let service: Harness;
  let proxy: FaultyProxy;
  let client: Client;
  let recipients = 0;

  before(async () => {
    service = await startHarness();
    proxy = await startProxy(service.url);
    client = clientOf();
  });
  afterEach(async () => {
    await until(() => proxy.streams.size === 0, 'every stream of the test is closed');
    proxy.requests.length = 0;
  });
  after(async () => {
    await proxy?.stop();
    await service?.stop();
  });

  const clientOf = (options: ClientOptions = {}) =>
    createClient({ baseUrl: proxy.url, retryDelay: 10, ...options });
  const send = (more: { send_at?: string } = {}) =>
    client.messages.send({
      ...{ type: 'sms', from: '+12016661234', to: `+1804559${String(++recipients).padStart(4, '0')}` },
      ...{ body: 'Hello', ...more },
    });
  const later = () => send({ send_at: new Date(Date.now() + 3_600_000).toISOString() });
  const faults = (list: object[]) => service.control('PUT', '/_control/faults', list);
  const opened = () => until(() => proxy.streams.size > 0, 'the stream is open');

  it('resolves with the delivered message', async () => {
    const { id } = await send();
    const message = await client.messages.wait(id);
    expect(message).to.include({ id, status: 'delivered' });
    expect(message).to.deep.equal(await client.messages.get(id));
  });

  it('resolves at once if the message has reached the status or a later one', async () => {
    const { id } = await send();
    await service.untilStatus(id, 'delivered');
    proxy.requests.length = 0;
    expect(await client.messages.wait(id, { until: 'sent' })).to.include({ status: 'delivered' });
    expect(proxy.requests).to.have.length(1);
  });

  it('until sent, resolves before the message is delivered', async () => {
    await service.control('PUT', '/_control/settings', { receipts: { delay_ms: 3_600_000 } });
    const { id } = await send();
    expect(await client.messages.wait(id, { until: 'sent' })).to.include({ id, status: 'sent' });
    await service.control('PUT', '/_control/settings', { receipts: { delay_ms: 5 } });
  });

  it('resolves if the status changes before the stream is open', async () => {
    const { id } = await send();
    const slow = clientOf({
      fetch: async (request) => {
        if (request.url.includes('/stream')) await service.untilStatus(id, 'delivered');
        else if (proxy.requests.length < 2)
          return Response.json({ id, conversation_id: 1, status: 'queued' });
        return fetch(request);
      },
    });
    expect(await slow.messages.wait(id)).to.include({ id, status: 'delivered' });
  });

  it('resolves through lost connections and errors of the service', async () => {
    const { id } = await later();
    const waiting = client.messages.wait(id, { until: 'sent' }).catch((error) => error);
    await opened();
    proxy.faults.push({ type: 'status', status: 503, body: problemBody(503) }, { type: 'cut_response' });
    proxy.disconnect();
    await until(() => proxy.faults.length === 0, 'the faults have happened');
    await opened();
    await client.messages.cancel(id);
    expect(await waiting)
      .to.be.instanceOf(DeliveryError)
      .and.include({ code: 'canceled' });
  });

  it('resolves with the whole message, also if its events are cut', async () => {
    const body = 'é'.repeat(50_000);
    const email = { type: 'email', from: 'a@example.com', to: 'b@example.com', body } as const;
    const { id } = await client.messages.send(email);
    const message = await client.messages.wait(id);
    expect([message.status, message.body === body]).to.deep.equal(['delivered', true]);
  });

  it('rejects with a DeliveryError with the message if it fails', async () => {
    await faults([{ channel: 'sms', type: 'status', status: 400, times: 1 }]);
    const { id } = await send();
    const error = (await rejection(client.messages.wait(id))) as DeliveryError;
    expect(error).to.be.instanceOf(DeliveryError).and.include({ code: 'failed' });
    expect(error.result).to.include({ id, status: 'failed' });
    expect(error.message).to.contain(error.result.error?.detail ?? 'an error');
  });

  it('rejects if the message is canceled during the wait, and for an inbound message', async () => {
    const { id } = await later();
    const waiting = rejection(client.messages.wait(id));
    await opened();
    await client.messages.cancel(id);
    expect(await waiting)
      .to.be.instanceOf(DeliveryError)
      .and.include({ code: 'canceled' });
    await service.control('POST', '/_control/inbound', {
      ...{ channel: 'sms', from: '+18045590000', to: '+12016661234', body: 'Hi' },
    });
    const inbound = await until(
      async () => (await client.messages.list({ direction: 'inbound' })).data[0],
      'the inbound message',
    );
    expect(await rejection(client.messages.wait(inbound.id))).to.include({ code: 'received' });
  });

  it('rejects with a TimeoutError after timeoutMs, with the reason of its signal, and for an unknown id', async () => {
    const { id } = await later();
    const late = await rejection(client.messages.wait(id, { timeoutMs: 50 }));
    expect(late).to.be.instanceOf(TimeoutError).and.include({ code: 'timeout' });
    expect((late as Error).message).to.equal(`Message ${id} was not delivered within 50 ms.`);
    const stop = new AbortController();
    const waiting = rejection(client.messages.wait(id, { signal: stop.signal }));
    await opened();
    const reason = new Error('stopped');
    stop.abort(reason);
    expect(await waiting).to.equal(reason);
    expect(await rejection(client.messages.wait(id, { signal: AbortSignal.abort(reason) }))).to.equal(reason);
    expect(await rejection(client.messages.wait(999_999))).to.be.instanceOf(NotFoundError);
  });
});
