import { once } from 'node:events';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import {
  type Client,
  ConnectionError,
  createClient,
  NotFoundError,
  type WebhookEvent,
} from '../../sdk/src/index.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { listen } from '../support/listen.ts';
import { type FaultyProxy, startProxy } from '../support/proxy.ts';
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

  it('sends a test event that unwrap accepts with the secret of the endpoint', async () => {
    const received: WebhookEvent[] = [];
    let secret = '';
    const server = createServer(async (request, response) => {
      received.push(
        await client.events.unwrap({ headers: request.headers, body: await buffer(request) }, secret),
      );
      response.writeHead(204).end();
    });
    const endpoint = await client.endpoints.create({
      url: `http://127.0.0.1:${await listen(server)}/events`,
    });
    secret = endpoint.secret;
    expect(await client.endpoints.test(endpoint.id)).to.include({ outcome: 'succeeded', status_code: 204 });
    expect(received.map(({ id, type }) => [id, type])).to.deep.equal([[0, 'endpoint.test']]);
    await client.endpoints.delete(endpoint.id);
    server.closeAllConnections();
    await once(server.close(), 'close');
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
