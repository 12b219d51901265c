import { once } from 'node:events';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import {
  type Client,
  ConnectionError,
  createClient,
  type Endpoint,
  NotFoundError,
  type WebhookEvent,
} from '../../sdk/src/index.ts';
import { sms } from '../support/bodies.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { listen } from '../support/listen.ts';
import { type FaultyProxy, startProxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { all, rejection } from './support.ts';

const URL = 'https://shop.example.com/events';

describe('The endpoints of the SDK', function () {
  this.timeout(60_000);
  let service: Harness;
  let proxy: FaultyProxy;
  let client: Client;
  before(async () => {
    service = await startHarness({ ALLOWED_PRIVATE_HOSTS: '127.0.0.1' });
    proxy = await startProxy(service.url);
    client = createClient({ baseUrl: proxy.url, retryDelay: 1 });
  });
  after(async () => {
    await proxy?.stop();
    await service?.stop();
  });

  it('creates, lists, reads, changes and deletes endpoints', async () => {
    const { endpoints } = client;
    const { secret, ...created } = await endpoints.create({ url: URL, event_types: ['message.received'] });
    expect(secret).to.match(/^whsec_/);
    const second = await endpoints.create({ url: URL, enabled: false });
    const ids = (await all(endpoints.list({ limit: 1 }))).map(({ id }) => id);
    expect(ids).to.include.members([created.id, second.id]);
    expect(await endpoints.get(created.id)).to.deep.equal(created);
    const changed = await endpoints.update(created.id, { description: 'Shop' });
    expect(changed).to.include({ description: 'Shop', url: URL });
    const rotated = await endpoints.rotateSecret(created.id);
    expect(rotated.secret)
      .to.match(/^whsec_/)
      .and.not.equal(secret);
    expect(await endpoints.replay(created.id, { after: 0 })).to.include({ id: created.id });
    expect(await all(endpoints.attempts(second.id))).to.deep.equal([]);
    const { data, response, requestId } = await endpoints.delete(created.id).withResponse();
    expect([data, response.status, data.requestId]).to.deep.equal([{}, 204, requestId]);
    expect(await rejection(endpoints.get(created.id))).to.be.instanceOf(NotFoundError);
  });

  describe('with a receiver', () => {
    const received: WebhookEvent[] = [];
    let secrets: string[] = [];
    let endpoint: Endpoint;
    const server = createServer(async (request, response) => {
      const body = await buffer(request);
      received.push(await client.events.unwrap({ headers: request.headers, body }, secrets));
      response.writeHead(204).end();
    });
    before(async () => {
      const url = `http://127.0.0.1:${await listen(server)}/events`;
      const { secret, ...created } = await client.endpoints.create({ url });
      secrets = [secret];
      endpoint = created;
    });
    after(async () => {
      await client.endpoints.delete(endpoint.id);
      server.closeAllConnections();
      await once(server.close(), 'close');
    });

    it('send a test event that unwrap accepts, also with the previous secret', async () => {
      const sendTest = () => client.endpoints.test(endpoint.id);
      expect(await sendTest()).to.include({ outcome: 'succeeded', status_code: 204 });
      const { secret } = await client.endpoints.rotateSecret(endpoint.id);
      expect(await sendTest()).to.include({ outcome: 'succeeded' });
      secrets = [secret];
      expect(await sendTest()).to.include({ outcome: 'succeeded' });
      const tests = received.filter(({ type }) => type === 'endpoint.test');
      expect(tests.map(({ id }) => id)).to.deep.equal([0, 0, 0]);
    });

    it('get the events of the feed, which unwrap accepts', async () => {
      const { conversation_id } = await client.messages.send(sms);
      const own = () => client.events.list({ conversation_id });
      const { data } = await until(async () => {
        const page = await own();
        return page.data.at(-1)?.type === 'message.delivered' && page;
      }, 'the events');
      const got = await until(() => {
        const events = received.filter(({ id }) => data.some((event) => event.id === id));
        return events.length >= data.length && events;
      }, 'the events at the endpoint');
      const pairs = (events: WebhookEvent[]) => events.map(({ id, type }) => `${id} ${type}`);
      expect(pairs(got)).to.have.members(pairs(data));
      await until(async () => {
        const attempts = await all(client.endpoints.attempts(endpoint.id, { outcome: 'succeeded' }));
        return data.every(({ id }) => attempts.some(({ event_id }) => event_id === id));
      }, 'a successful attempt for each event');
    });
  });

  it('does not repeat a request that would have a further effect', async () => {
    const count = async () => (await all(client.endpoints.list())).length;
    const before = await count();
    proxy.faults.push({ type: 'lost_response' });
    expect(await rejection(client.endpoints.create({ url: URL }))).to.be.instanceOf(ConnectionError);
    expect(await count()).to.equal(before + 1);
    const [first] = await all(client.endpoints.list());
    for (const request of [client.endpoints.rotateSecret, client.endpoints.test]) {
      proxy.requests.length = 0;
      proxy.faults.push({ type: 'status', status: 503 });
      expect(await rejection(request(first?.id ?? 0))).to.be.instanceOf(ConnectionError);
      expect(proxy.requests).to.have.length(1);
    }
    proxy.faults.push({ type: 'status', status: 503 });
    expect(await client.endpoints.replay(first?.id ?? 0, { after: 0 })).to.include({ id: first?.id });
  });
});
