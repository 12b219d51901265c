import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import tls from 'node:tls';
import { expect } from 'chai';
import { EndpointSecrets } from '../../../src/feed/endpoints/secret.ts';
import { EndpointSender, type SenderOptions } from '../../../src/feed/endpoints/send.ts';
import { CERTIFICATE, KEY } from '../../support/certificate.ts';
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts';
import { secretKey } from '../../support/harness.ts';
import { listen } from '../../support/listen.ts';

const SECRETS = [1, 2].map((byte) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`);
const request = { id: 'evt_1', body: '{"id":1,"data":{"body":"é"}}', secrets: SECRETS.slice(0, 1) };

describe('The sender of events to endpoints', () => {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  const start = async (server: Server) => {
    const sockets = new Set<Socket>();
    let connections = 0;
    server.on('connection', (socket) => {
      connections++;
      sockets.add(socket.on('error', () => undefined));
    });
    const port = await listen(server);
    stops.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    return { port, url: `http://127.0.0.1:${port}/hook`, connections: () => connections };
  };
  const serve = (listener: RequestListener) => start(createServer(listener));
  const senderFor = (options: Partial<SenderOptions> = {}) => {
    const sender = new EndpointSender({
      allowedPrivateHosts: ['127.0.0.0/8'],
      secrets: new EndpointSecrets([secretKey]),
      ...options,
    });
    stops.push(async () => sender.stop());
    return sender;
  };
  const dns = async (answers: Record<string, string[][]>): Promise<DnsServer> => {
    const server = await startDnsServer(answers);
    stops.push(() => server.stop());
    return server;
  };
  const bodyOf = async (incoming: IncomingMessage) =>
    Buffer.concat((await incoming.toArray()) as Buffer[]).toString();

  it('posts the body once, with a signature by each secret', async () => {
    const received: { headers: Record<string, string>; body: string; method: string | undefined }[] = [];
    const { url } = await serve(async (incoming, response) => {
      const { method, headers } = incoming;
      received.push({ method, headers: headers as Record<string, string>, body: await bodyOf(incoming) });
      response.writeHead(204).end();
    });
    const result = await senderFor().send({ ...request, url, secrets: SECRETS });
    expect(result).to.deep.include({
      outcome: 'succeeded',
      statusCode: 204,
      error: null,
      responseBody: null,
    });
    expect(result.durationMs).to.be.a('number');
    expect(received).to.have.length(1);
    const { headers = {}, body, method } = received[0] ?? {};
    expect([method, body]).to.deep.equal(['POST', request.body]);
    expect(headers).to.include({
      ...{ 'content-type': 'application/json', 'user-agent': 'messaging-service', 'webhook-id': 'evt_1' },
      'content-length': `${Buffer.byteLength(request.body)}`,
    });
    const timestamp = headers['webhook-timestamp'] ?? '';
    expect(Math.abs(Date.now() / 1_000 - Number(timestamp))).to.be.below(60);
    const expected = SECRETS.map((secret) => {
      const hmac = createHmac('sha256', Buffer.from(secret.slice(6), 'base64'));
      return `v1,${hmac.update(`evt_1.${timestamp}.${request.body}`).digest('base64')}`;
    });
    expect(headers['webhook-signature']).to.equal(expected.join(' '));
  });

  it('succeeds by a status 2xx only, and keeps the start of another response', async () => {
    const { url } = await serve((incoming, response) => {
      response.writeHead(Number(incoming.url?.slice(6))).end('Some text\0');
    });
    const sender = senderFor();
    for (const status of [200, 201, 202, 204, 299])
      expect(await sender.send({ ...request, url: `${url}/${status}` }), `${status}`).to.include({
        ...{ outcome: 'succeeded', statusCode: status, responseBody: null },
      });
    for (const status of [400, 404, 410, 500, 503])
      expect(await sender.send({ ...request, url: `${url}/${status}` }), `${status}`).to.deep.include({
        ...{ outcome: 'failed', statusCode: status, responseBody: 'Some text' },
        error: { code: 'status', detail: `The endpoint responded ${status}.` },
      });
  });

  it('does not follow a redirect', async () => {
    const paths: string[] = [];
    const { url } = await serve((incoming, response) => {
      paths.push(incoming.url ?? '');
      response.writeHead(Number(incoming.url?.slice(6)), { location: '/elsewhere' }).end();
    });
    for (const status of [301, 302, 303, 307, 308])
      expect(await senderFor().send({ ...request, url: `${url}/${status}` }), `${status}`).to.deep.include({
        ...{ outcome: 'failed', statusCode: status, responseBody: null },
        error: { code: 'status', detail: `The endpoint responded ${status}; redirects are not followed.` },
      });
    expect(paths).to.have.length(5).and.not.to.include('/elsewhere');
  });

  it('returns the value of Retry-After', async () => {
    const { url } = await serve((_, response) => response.writeHead(429, { 'retry-after': '120' }).end());
    expect(await senderFor().send({ ...request, url })).to.include({
      statusCode: 429,
      retryAfterMs: 120_000,
    });
  });

  it('reads at most 1,024 bytes of a response, and ends a body that does not end', async () => {
    const closed: Promise<unknown>[] = [];
    const { url } = await serve((incoming, response) => {
      closed.push(once(response, 'close'));
      response.writeHead(incoming.url === '/hook/ok' ? 200 : 500);
      const write = () => {
        while (response.write('é'.repeat(50_000)));
      };
      response.on('drain', write);
      if (incoming.url === '/hook/slow') response.write('slow');
      else write();
    });
    const sender = senderFor();
    const huge = await sender.send({ ...request, url });
    expect(huge).to.include({ outcome: 'failed', statusCode: 500, responseBody: 'é'.repeat(512) });
    expect(await sender.send({ ...request, url: `${url}/ok` })).to.include({ outcome: 'succeeded' });
    const slow = await sender.send({ ...request, url: `${url}/slow` });
    expect(slow).to.include({ outcome: 'failed', statusCode: 500, responseBody: 'slow' });
    await Promise.all(closed);
  });

  it('fails if there is no response in time', async () => {
    const { url } = await serve(() => undefined);
    const { error, ...result } = await senderFor({ timeoutMs: 100 }).send({ ...request, url });
    expect(error).to.deep.equal({ code: 'timeout', detail: 'The endpoint did not respond in time.' });
    expect(result).to.include({ outcome: 'failed', statusCode: null });
  });

  it('delays no other endpoint if a name server does not respond', async () => {
    const { port } = await serve((_, response) => response.end());
    const { address } = await dns({ 'silent.test': [], 'named.test': [['127.0.0.1']] });
    const sender = senderFor({ dnsServers: [address] });
    const stopping = new AbortController();
    // More look-ups than getaddrinfo has threads.
    const silent = Array.from({ length: 10 }, () =>
      sender.send({ ...request, url: 'https://silent.test/' }, stopping.signal),
    );
    for (const host of ['named.test', 'localhost'])
      expect(await sender.send({ ...request, url: `http://${host}:${port}/` }), host).to.include({
        outcome: 'succeeded',
      });
    stopping.abort();
    for (const { error } of await Promise.all(silent)) expect(error?.code).to.equal('worker_lost');
  });

  it('fails without a connection, and if the connection is lost before the response', async () => {
    const { url } = await serve((incoming) => incoming.socket.destroy());
    const sender = senderFor({ dnsServers: [(await dns({})).address] });
    for (const target of [url, 'https://127.0.0.1:1/', 'https://nowhere.invalid/'])
      expect((await sender.send({ ...request, url: target })).error?.code, target).to.equal('connection');
  });

  it('repeats a request whose kept connection the endpoint has closed, and no other request', async () => {
    const served = new Map<Socket, number>();
    const { url, connections } = await serve(({ socket }, response) => {
      const count = (served.get(socket) ?? 0) + 1;
      served.set(socket, count);
      if (count > 1) socket.destroy();
      else response.end();
    });
    const sender = senderFor();
    for (let index = 0; index < 3; index++)
      expect(await sender.send({ ...request, url }), `${index}`).to.include({ outcome: 'succeeded' });
    expect(connections()).to.equal(3);
  });

  it('repeats a request within the time of the attempt', async () => {
    let requests = 0;
    const { url } = await serve(({ socket }, response) => {
      requests++;
      if (requests === 1) response.end();
      if (requests === 2) setTimeout(() => socket.destroy(), 1_000);
    });
    const sender = senderFor({ timeoutMs: 2_000 });
    await sender.send({ ...request, url });
    const { error, durationMs } = await sender.send({ ...request, url });
    expect([requests, error?.code]).to.deep.equal([3, 'timeout']);
    // Two requests with the full time would take 3,000 ms.
    expect(durationMs).to.be.below(2_900);
  });

  it('ends an attempt when the process stops', async () => {
    const stopping = new AbortController();
    const { url } = await serve(() => stopping.abort());
    const { error } = await senderFor().send({ ...request, url }, stopping.signal);
    expect(error?.code).to.equal('worker_lost');
  });

  it('ignores the proxy of the environment', async () => {
    const { url } = await serve((_, response) => response.end());
    const names = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'];
    const before = names.map((name) => process.env[name]);
    for (const name of names) process.env[name] = 'http://127.0.0.1:1';
    try {
      expect(await senderFor().send({ ...request, url })).to.include({ outcome: 'succeeded' });
    } finally {
      for (const [index, name] of names.entries())
        if (before[index] === undefined) delete process.env[name];
        else process.env[name] = before[index];
    }
  });

  it('verifies certificates', async () => {
    let requests = 0;
    const server = createHttpsServer({ key: KEY, cert: CERTIFICATE }, (_, response) => {
      requests++;
      response.end();
    });
    const { port } = await start(server);
    const send = () => senderFor().send({ ...request, url: `https://127.0.0.1:${port}/` });
    expect((await send()).error?.code).to.equal('tls');
    const authorities = tls.getCACertificates();
    tls.setDefaultCACertificates([...authorities, CERTIFICATE]);
    try {
      expect(await send()).to.include({ outcome: 'succeeded' });
      const { address } = await dns({ 'other.test': [['127.0.0.1']] });
      const other = senderFor({ dnsServers: [address] });
      const { error } = await other.send({ ...request, url: `https://other.test:${port}/` });
      expect(error?.code).to.equal('tls');
    } finally {
      tls.setDefaultCACertificates(authorities);
    }
    expect(requests).to.equal(1);
  });

  it('fails by https at a server of plain http', async () => {
    const { port } = await serve((_, response) => response.end());
    const { error } = await senderFor().send({ ...request, url: `https://127.0.0.1:${port}/` });
    expect(error?.code).to.equal('tls');
  });

  describe('connects to no address that is neither public nor named', () => {
    it('if the URL has the address', async () => {
      const { port, url, connections } = await serve((_, response) => response.end());
      const sender = senderFor({ allowedPrivateHosts: ['10.1.0.0/16', 'internal.test'] });
      for (const target of [
        ...[url, `https://127.0.0.1:${port}/`, `https://[::ffff:127.0.0.1]:${port}/`, 'https://10.0.0.1/'],
        ...['https://169.254.169.254/', 'https://[::1]/', 'https://[64:ff9b::7f00:1]/', 'https://0.0.0.0/'],
      ]) {
        const { error } = await sender.send({ ...request, url: target });
        expect(error?.code, target).to.equal('address_not_allowed');
        expect(error?.detail, target).to.include('ALLOWED_PRIVATE_HOSTS');
      }
      expect(connections()).to.equal(0);
    });

    it('by plain http, also if the address is public', async () => {
      const { address } = await dns({ 'public.test': [['93.184.215.14']] });
      const sender = senderFor({ dnsServers: [address] });
      for (const target of ['http://93.184.215.14/', 'http://public.test/'])
        expect((await sender.send({ ...request, url: target })).error?.code, target).to.equal(
          'address_not_allowed',
        );
    });

    it('if a name has the address the second time, but it keeps a connection to a checked address', async () => {
      let close = false;
      const { port, connections } = await serve((_, response) => {
        response.writeHead(200, close ? { connection: 'close' } : {}).end();
      });
      const { address, questions } = await dns({ 'rebinding.test': [['127.0.0.1'], ['10.0.0.1']] });
      const sender = senderFor({ dnsServers: [address] });
      const send = () => sender.send({ ...request, url: `http://rebinding.test:${port}/` });
      expect(await send()).to.include({ outcome: 'succeeded' });
      close = true;
      expect(await send()).to.include({ outcome: 'succeeded' });
      expect([connections(), questions.length]).to.deep.equal([1, 1]);
      const { error } = await send();
      expect(error).to.deep.equal({
        code: 'address_not_allowed',
        detail:
          'rebinding.test (10.0.0.1) can only be called by https, and ALLOWED_PRIVATE_HOSTS does not name it.',
      });
      const byHttps = await sender.send({ ...request, url: `https://rebinding.test:${port}/` });
      expect(byHttps.error?.detail).to.equal(
        'rebinding.test (10.0.0.1) is not a public address, and ALLOWED_PRIVATE_HOSTS does not name it.',
      );
      expect(connections()).to.equal(1);
    });

    it('if one of several addresses of a name is such an address', async () => {
      const { port, connections } = await serve((_, response) => response.end());
      const { address } = await dns({ 'mixed.test': [['127.0.0.1', '10.0.0.1']] });
      const sender = senderFor({ dnsServers: [address] });
      const { error } = await sender.send({ ...request, url: `http://mixed.test:${port}/` });
      expect([error?.code, connections()]).to.deep.equal(['address_not_allowed', 0]);
    });

    it('except that a named host may have any address', async () => {
      const { port } = await serve((_, response) => response.end());
      const sender = senderFor({ allowedPrivateHosts: ['localhost'] });
      for (const host of ['localhost', 'LOCALHOST'])
        expect(await sender.send({ ...request, url: `http://${host}:${port}/` }), host).to.include({
          outcome: 'succeeded',
        });
    });
  });
});
