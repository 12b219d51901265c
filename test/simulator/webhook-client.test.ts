import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import { NoAnswerError, type WebhookCall, WebhookClient } from '../../src/simulator/webhook-client.ts';

const REQUEST = { dialect: 'twilio', headers: {}, body: 'a=1' } as const;
const OK = 'HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: 2\r\n\r\nok';

describe('The webhook client of the simulator', () => {
  const calls: WebhookCall[] = [];
  let client: WebhookClient;
  let requests: string[];
  let onRequest: (socket: Socket) => void;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      requests.push(String(data));
      onRequest(socket);
    });
  });
  let url: string;
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => void server.close());
  beforeEach(() => {
    calls.length = 0;
    requests = [];
    onRequest = (socket) => socket.write(OK);
    client = new WebhookClient((call) => calls.push(call));
  });
  afterEach(() => client.cut());

  it('sends the path and the query as they are in the URL', async () => {
    for (const target of ["/a/%7eb/../c?x=it's&y=%41+z", '/?a=1', ''])
      expect(await client.post(url + target, REQUEST)).to.include({ status: 200, body: 'ok' });
    const targets = requests.map((request) => request.split(' ')[1]);
    expect(targets).to.deep.equal(["/a/%7eb/../c?x=it's&y=%41+z", '/?a=1', '/']);
  });

  it('sends a query without a path after a slash, and the credentials of the URL as Basic', async () => {
    await client.post(`${url.replace('//', '//me:p%40ss@')}?a=1`, REQUEST);
    expect(requests[0]).to.match(/^POST \/\?a=1 HTTP/);
    expect(requests[0]).to.include(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
  });

  it('sends a webhook again if the service had closed the idle connection', async () => {
    await client.post(url, REQUEST);
    onRequest = (socket) => {
      onRequest = (next) => next.write(OK);
      socket.destroy();
    };
    expect((await client.post(url, REQUEST)).status).to.equal(200);
    expect(requests).to.have.lengthOf(3);
    expect(calls.map(({ status }) => status)).to.deep.equal([200, 200]);
  });

  it('does not repeat a webhook after the loss of a new connection', async () => {
    onRequest = (socket) => void socket.destroy();
    const error = await client.post(url, REQUEST).catch((reason) => reason);
    expect(error).to.be.instanceOf(NoAnswerError);
    expect(error.connected).to.equal(true);
    expect(requests).to.have.lengthOf(1);
  });

  it('ends after a time without a response', async () => {
    onRequest = () => undefined;
    const error = await client.post(url, { ...REQUEST, timeoutMs: 50 }).catch((reason) => reason);
    expect(error.message).to.equal('no answer in time');
    expect(calls[0]).to.include({ status: null, problem: 'no answer in time' });
  });

  it('reports a connection that fails, and a URL that is invalid', async () => {
    for (const address of ['http://127.0.0.1:1/', 'nowhere', 'http://127.0.0.1:80/a b']) {
      const error = await client.post(address, REQUEST).catch((reason) => reason);
      expect(error, address).to.be.instanceOf(NoAnswerError);
      expect(error.connected).to.equal(false);
    }
    expect(calls).to.have.lengthOf(3);
  });

  it('logs each response with its problem', async () => {
    await client.post(url, { ...REQUEST, problemOf: () => 'not TwiML' });
    onRequest = (socket) => socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
    await client.post(url, REQUEST);
    expect(calls[0]).to.deep.include({
      url,
      status: 200,
      content_type: 'text/xml',
      body: 'ok',
      problem: 'not TwiML',
    });
    expect(calls[1]).to.include({ status: 404, problem: 'the status is 404' });
  });
});
