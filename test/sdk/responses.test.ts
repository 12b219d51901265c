import { expect } from 'chai';
import { type Client, createClient, NotFoundError } from '../../sdk/src/index.ts';
import { sms } from '../support/bodies.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { startProxy } from '../support/proxy.ts';
import { problemBody, rejection } from './support.ts';

const UUID = /^[0-9a-f-]{36}$/;

describe('The responses of the SDK', () => {
  let service: Harness;
  let client: Client;
  before(async () => {
    service = await startHarness();
    client = createClient({ baseUrl: service.url });
  });
  after(() => service.stop());

  it('withResponse adds the response and the request id to the body', async () => {
    const { data, response, requestId } = await client.messages.send(sms).withResponse();
    expect(data).to.include({ body: sms.body, status: 'queued' });
    expect(response.status).to.equal(202);
    expect(requestId).to.match(UUID).and.equal(response.headers.get('x-request-id'));
    expect(data.requestId).to.equal(requestId);
  });

  it('the request id of a body is not one of its fields', async () => {
    const { id } = await client.messages.send(sms);
    await service.untilStatus(id, 'delivered');
    const [first, second] = [await client.messages.get(id), await client.messages.get(id)];
    expect(first.requestId).to.match(UUID).and.not.equal(second.requestId);
    expect(first).to.deep.equal(second);
    expect(JSON.stringify(first)).to.not.contain('requestId');
    expect({ ...first }).to.not.have.property('requestId');
  });

  it('withResponse and await of one promise make one request', async () => {
    const proxy = await startProxy(service.url);
    const sent = createClient({ baseUrl: proxy.url }).messages.send(sms);
    const [message, { data }] = await Promise.all([sent, sent.withResponse()]);
    expect(data).to.equal(message);
    expect(proxy.requests).to.have.length(1);
    const list = createClient({ baseUrl: proxy.url }).messages.list({ limit: 1 });
    const [page, whole] = await Promise.all([list, list.withResponse()]);
    expect(whole.data).to.equal(page);
    expect(proxy.requests).to.have.length(2);
    await proxy.stop();
  });

  it('withResponse of a list has the response of its first page, and each page has a request id', async () => {
    for (let count = 0; count < 3; count++) await client.messages.send(sms);
    const { data, response, requestId } = await client.messages.list({ limit: 1 }).withResponse();
    expect(response.headers.get('x-request-id')).to.equal(requestId).and.equal(data.requestId);
    const next = await data.nextPage();
    expect(next?.requestId).to.match(UUID).and.not.equal(requestId);
    expect(Object.keys(next ?? {})).to.have.members(['data', 'next_cursor']);
  });

  it('withResponse has the response of the last try', async () => {
    const proxy = await startProxy(service.url);
    const headers = { 'x-request-id': 'first-try' };
    proxy.faults.push({ type: 'status', status: 503, headers, body: problemBody(503) });
    const patient = createClient({
      baseUrl: service.url,
      retryDelay: 1,
      fetch: async (request) => {
        const { pathname, search } = new URL(request.url);
        return fetch(
          new Request(proxy.requests.length ? request.url : proxy.url + pathname + search, request),
        );
      },
    });
    const { response, requestId } = await patient.messages.list().withResponse();
    expect([response.status, proxy.requests.length]).to.deep.equal([200, 1]);
    expect(requestId).to.match(UUID);
    await proxy.stop();
  });

  it('the request id is undefined if an intermediary removed the header', async () => {
    const bare = createClient({ baseUrl: service.url, fetch: async () => Response.json({ id: 7 }) });
    const { data, requestId } = await bare.messages.get(7).withResponse();
    expect([data.id, data.requestId, requestId]).to.deep.equal([7, undefined, undefined]);
  });

  it('withResponse rejects with the error of the call, which is handled once', async () => {
    const unhandled: unknown[] = [];
    const record = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', record);
    for (const call of [
      () => client.messages.get(999_999).withResponse(),
      () => client.messages.list({ limit: 0 }).withResponse(),
      () => client.messages.get(999_999).catch((error) => Promise.reject(error)),
      () => client.messages.get(999_999).finally(() => {}),
    ])
      expect(await rejection(call()))
        .to.have.property('requestId')
        .that.matches(UUID);
    // Unhandled rejections are reported before the callback of a later timer.
    await new Promise((resolve) => setTimeout(resolve, 1));
    process.off('unhandledRejection', record);
    expect(unhandled).to.deep.equal([]);
  });

  it('the promises of methods work like other promises', async () => {
    const sent = client.messages.send(sms);
    expect(sent).to.be.instanceOf(Promise);
    const { id } = await sent;
    const [one, two] = await Promise.all([sent, Promise.resolve(sent)]);
    expect([one.id, two.id]).to.deep.equal([id, id]);
    expect(await sent.then((message) => message.id)).to.equal(id);
    let ended = 0;
    expect((await sent.finally(() => ended++)).id).to.equal(id);
    expect(ended).to.equal(1);
    expect(await client.messages.get(999_999).catch((error) => error)).to.be.instanceOf(NotFoundError);
    expect(await Promise.race([client.messages.get(id)])).to.include({ id });
  });
});
