import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { MAX_BODY_BYTES } from '../../src/providers/http/response-body.ts';
import {
  type ClientSettings,
  callContext,
  outgoing,
  type ProviderServer,
  providerAt,
  sendTo,
  startProviderServer,
} from '../support/provider-server.ts';

const KIB = 1_024;
const BOMB = Buffer.alloc(32 * 1_024 * KIB, ' ');
/** The limit, one more read from the socket, and the headers. */
const MAX_READ_BYTES = MAX_BODY_BYTES + 64 * KIB + 4 * KIB;
const TOO_LONG = { outcome: 'unknown', code: 'response_too_long' };

/** JSON with an id and of this length. */
const bodyOf = (bytes: number) => JSON.stringify({ id: 'sms_1' }).padEnd(bytes, ' ');

/** Responses that are longer than the limit. */
const LONG: Record<string, (response: ServerResponse, status: number) => void> = {
  'a body of 64 KiB and one byte': (response, status) =>
    void response.writeHead(status).end(bodyOf(MAX_BODY_BYTES + 1)),
  'an endless chunked body': (response, status) => flood(response.writeHead(status)),
  'a body that announces a gigabyte': (response, status) =>
    flood(response.writeHead(status, { 'content-length': 2 ** 30 })),
  'a body without a length': (response, status) =>
    flood(response.writeHead(status, { 'transfer-encoding': 'identity', connection: 'close' })),
  'an endless body that claims to be compressed': (response, status) =>
    flood(response.writeHead(status, { 'content-encoding': 'gzip' })),
  'a gzip bomb': sends('gzip', gzipSync(BOMB)),
  'a gzip bomb of many members': sends(
    'gzip',
    Buffer.concat(Array(40).fill(gzipSync(Buffer.alloc(2 * KIB)))),
  ),
  'a gzip bomb as x-gzip': sends('x-gzip', gzipSync(BOMB)),
  'a brotli bomb': sends('br', brotliCompressSync(BOMB)),
  'a deflate bomb': sends('deflate', deflateSync(BOMB)),
  'a raw deflate bomb': sends('deflate', deflateRawSync(BOMB)),
  'a bomb inside a bomb': sends('gzip, gzip', gzipSync(gzipSync(BOMB))),
};

describe("The limit on a provider's response", () => {
  let provider: ProviderServer;
  let respond: RequestListener;
  let requests = 0;
  const sockets: Socket[] = [];
  const recordSocket = (message: unknown) => void sockets.push((message as { socket: Socket }).socket);
  before(async () => {
    provider = await startProviderServer((request, response) => {
      requests++;
      // One connection per call, so that the bytes of each call are known.
      response.shouldKeepAlive = false;
      respond(request, response);
    });
    subscribe('net.client.socket', recordSocket);
  });
  after(async () => {
    unsubscribe('net.client.socket', recordSocket);
    await provider.stop();
  });
  beforeEach(() => {
    requests = 0;
    sockets.length = 0;
  });

  const bytesRead = () => sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
  const send = (settings?: ClientSettings) => sendTo(provider.url, {}, settings);
  const lookUp = () => providerAt(provider.url).lookUp(outgoing, callContext());

  for (const [what, long] of Object.entries(LONG)) {
    it(`${what} is unknown with 202, and no more than the limit is read`, async () => {
      respond = (_request, response) => long(response, 202);
      expect(await send()).to.include({ ...TOO_LONG, httpStatus: 202 });
      expect(bytesRead()).to.be.within(1, MAX_READ_BYTES);
      expect(requests).to.equal(1);
    });

    it(`${what} is rejected with 422, unavailable with 503 and throttled with 429`, async () => {
      for (const [status, outcome] of Object.entries({
        422: 'rejected',
        429: 'throttled',
        502: 'unknown',
        503: 'unavailable',
      })) {
        sockets.length = 0;
        respond = (_request, response) => long(response, Number(status));
        expect(await send()).to.include({ outcome, httpStatus: Number(status), code: `http_${status}` });
        expect(bytesRead()).to.be.within(1, MAX_READ_BYTES);
      }
    });

    it(`${what} in a look-up is inconclusive`, async () => {
      respond = (_request, response) => long(response, 200);
      expect(await lookUp()).to.equal('inconclusive');
      expect(bytesRead()).to.be.within(1, MAX_READ_BYTES);
    });
  }

  it('closes the connection of a response that is too long, before the timeout', async () => {
    const closed = Promise.withResolvers<void>();
    respond = (request, response) => {
      request.socket.once('close', () => closed.resolve());
      flood(response.writeHead(202));
    };
    // A day: without the limit, the test would end by its own timeout.
    expect(await send({ timeoutMs: 86_400_000 })).to.include(TOO_LONG);
    await closed.promise;
  });

  it('accepts a body of exactly 64 KiB', async () => {
    respond = (_request, response) => void response.end(bodyOf(MAX_BODY_BYTES));
    expect(await send()).to.include({ outcome: 'accepted', providerMessageId: 'sms_1' });
  });

  it('requests no compression, and reads a compressed body', async () => {
    const body = bodyOf(MAX_BODY_BYTES);
    for (const [encoding, bytes] of [
      ['gzip', gzipSync(body)],
      ['GZIP', gzipSync(body)],
      ['br', brotliCompressSync(body)],
      ['deflate', deflateSync(body)],
      ['deflate', deflateRawSync(body)],
      ['identity', Buffer.from(body)],
      ['gzip, br', brotliCompressSync(gzipSync(body))],
    ] as const) {
      let acceptEncoding: unknown;
      respond = (request, response) => {
        acceptEncoding = request.headers['accept-encoding'];
        response.writeHead(202, { 'content-encoding': encoding }).end(bytes);
      };
      expect(await send(), encoding).to.include({ outcome: 'accepted', providerMessageId: 'sms_1' });
      expect(acceptEncoding).to.equal('identity');
    }
  });

  it('a compressed error body keeps its code and text', async () => {
    const body = gzipSync(JSON.stringify({ error: { code: 'invalid_recipient', message: 'No' } }));
    respond = (_request, response) => void response.writeHead(400, { 'content-encoding': 'gzip' }).end(body);
    expect(await send()).to.include({ outcome: 'rejected', code: 'invalid_recipient', detail: 'No' });
  });

  it('leaves no signature of a link that the provider quotes in the detail', async () => {
    const link = `https://x.example/api/media/1/content?expires=9&signature=${'aB3_-'.repeat(9)}`;
    respond = (_request, response) =>
      void response
        .writeHead(400, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error: { code: 'media', message: `${link} and ${link} cannot be read` } }));
    const result = (await send()) as { detail: string };
    expect(result.detail).to.match(/content\?expires=9&signature=… and .* cannot be read$/);
    expect(result.detail).not.to.include('aB3_-');
  });

  it('a body that cannot be decompressed is unknown with 202, and has the usual outcome with 422', async () => {
    for (const [encoding, body] of [
      ['gzip', 'no gzip'],
      ['gzip', gzipSync('{"id":"sms_1"}').subarray(0, 12)],
      ['br', 'no brotli'],
      ['zstd', 'unknown here'],
      // The name of a member of every object in JavaScript.
      ['constructor', '{"id":"sms_1"}'],
      ['gzip, gzip, gzip, gzip', gzipSync(gzipSync(gzipSync(gzipSync('{"id":"sms_1"}'))))],
    ] as const) {
      respond = (_request, response) =>
        void response.writeHead(202, { 'content-encoding': encoding }).end(body);
      expect(await send(), encoding).to.include({ outcome: 'unknown', code: 'malformed_response' });
      respond = (_request, response) =>
        void response.writeHead(422, { 'content-encoding': encoding }).end(body);
      expect(await send(), encoding).to.include({ outcome: 'rejected', code: 'http_422' });
    }
  });

  it('a body that never ends within the timeout is unknown with 202, and has the usual outcome otherwise', async () => {
    for (const [status, outcome] of Object.entries({ 202: 'unknown', 400: 'rejected', 503: 'unavailable' })) {
      const closed = Promise.withResolvers<void>();
      respond = (request, response) => {
        response.writeHead(Number(status)).write('{');
        const timer = setInterval(() => response.write(' '), 20);
        request.socket.once('close', () => {
          clearInterval(timer);
          closed.resolve();
        });
      };
      expect(await send({ timeoutMs: 600 })).to.include({ outcome, httpStatus: Number(status) });
      await closed.promise;
    }
  });

  it('an incomplete body is unknown with 202, and has the usual outcome otherwise', async () => {
    for (const [status, outcome] of Object.entries({ 202: 'unknown', 400: 'rejected', 503: 'unavailable' })) {
      respond = (_request, response) => {
        response.writeHead(Number(status), { 'content-length': 100 });
        response.write('{"id":"sms_1"', () => response.destroy());
      };
      expect(await send()).to.include({ outcome, httpStatus: Number(status) });
    }
  });

  it('a response with headers of more than 16 KiB is unknown', async () => {
    respond = (_request, response) => void response.writeHead(202, { 'x-long': 'x'.repeat(20 * KIB) }).end();
    expect(await send()).to.include({ outcome: 'unknown', code: 'hpe_header_overflow' });
  });
});

function sends(encoding: string, bytes: Buffer) {
  return (response: ServerResponse, status: number) =>
    void response.writeHead(status, { 'content-encoding': encoding }).end(bytes);
}

/** Writes until the client closes the connection. */
function flood(response: ServerResponse): void {
  const spaces = Buffer.alloc(16 * KIB, ' ');
  const endless = new Readable({
    read() {
      this.push(spaces);
    },
  });
  pipeline(endless, response).catch(() => undefined);
}
