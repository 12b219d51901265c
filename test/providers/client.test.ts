import { createServer as createHttpServer, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer, globalAgent } from 'node:https';
import { createServer as createNetServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { ProviderClient } from '../../src/providers/http/client.ts';
import type { CallContext, FailedOutcome } from '../../src/providers/provider.ts';
import { sesDialect } from '../../src/providers/ses/outcome.ts';
import { MAX_UPLOAD_MS, uploadMs } from '../../src/providers/upload-time.ts';
import { CERTIFICATE, KEY } from '../support/certificate.ts';
import { listen } from '../support/listen.ts';
import { callContext, outgoing, providerAt, sendTo } from '../support/provider-server.ts';
import { until } from '../support/until.ts';

const TIMEOUT_MS = 1_500;
const accepted = { status: 202, body: { id: 'sms_1' } };

/** How the server handles a request. */
type Answer = 'lost' | 'none' | { status: number; headers?: Record<string, string>; body?: object };

describe('A call to a provider of the standard API', () => {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  let requests = 0;
  beforeEach(() => {
    requests = 0;
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  });

  async function start(server: Server, protocol: 'http' | 'https'): Promise<string> {
    servers.push(server.on('connection', (socket) => sockets.add(socket)));
    return `${protocol}://127.0.0.1:${await listen(server)}`;
  }

  /** Handles each request with the next of these answers. */
  const answering = (answers: Answer[]): RequestListener => {
    const remaining = [...answers];
    return (request, response) => {
      requests++;
      request.resume().once('end', () => respond(remaining.shift() ?? 'none', response));
    };
  };
  const http = (...answers: Answer[]) => start(createHttpServer(answering(answers)), 'http');
  const https = (...answers: Answer[]) =>
    start(createHttpsServer({ key: KEY, cert: CERTIFICATE }, answering(answers)), 'https');

  const send = (url: string, context: Partial<CallContext> = {}) =>
    sendTo(url, context, { timeoutMs: TIMEOUT_MS });
  const lookUp = async (answer: Answer) => providerAt(await http(answer)).lookUp(outgoing, callContext());

  describe('whose request was not sent', () => {
    const isUnavailable = async (url: string, code: string, options: Partial<CallContext> = {}) => {
      const outcome = await send(url, options);
      expect(outcome).to.include({ outcome: 'unavailable', httpStatus: null, code, retryAfterMs: null });
      expect(requests).to.equal(0);
      return outcome;
    };
    const silent = () => start(createNetServer(), 'https');

    it('is unavailable if the connection is refused', async () => {
      const url = await http();
      await new Promise((resolve) => servers.pop()?.close(resolve));
      await isUnavailable(url, 'econnrefused');
    });

    it('is unavailable if the host does not exist', async () => {
      expect(await send('https://nowhere.invalid')).to.include({ outcome: 'unavailable', httpStatus: null });
    });

    it('is unavailable after a third of the timeout if the host does not respond', async () => {
      const outcome = await isUnavailable(await silent(), 'etimedout');
      expect(outcome).to.include({ detail: `Timeout awaiting 'secureConnect' for ${TIMEOUT_MS / 3}ms` });
    });

    it('is unavailable if the host closes the connection before the TLS handshake', async () => {
      const server = createNetServer((socket) => socket.destroy());
      await isUnavailable(await start(server, 'https'), 'econnreset');
    });

    it('is unavailable if the certificate is not trusted', async () => {
      await isUnavailable(await https(accepted), 'depth_zero_self_signed_cert');
    });

    it('is unavailable, with a detail in one line, if https is sent to a server of plain HTTP', async () => {
      const url = (await http(accepted)).replace('http:', 'https:');
      const { detail } = (await isUnavailable(url, 'eproto')) as FailedOutcome;
      expect(detail).to.match(/^.*wrong version number.*\S$/);
    });

    it('is unavailable if it was aborted before the connection', async () => {
      const url = await silent();
      const abort = new AbortController();
      const aborted = isUnavailable(url, 'err_aborted', { signal: abort.signal });
      await until(() => sockets.size === 1, 'the client connects');
      abort.abort();
      await aborted;
    });
  });

  describe('whose response is lost', () => {
    before(() => {
      globalAgent.options.ca = CERTIFICATE;
    });
    after(() => {
      delete globalAgent.options.ca;
    });

    for (const [protocol, serve] of Object.entries({ http, https })) {
      it(`is unknown if the connection is lost: ${protocol}`, async () => {
        expect(await send(await serve('lost'))).to.include({ outcome: 'unknown', code: 'econnreset' });
        expect(requests).to.equal(1);
      });

      it(`is unknown if a reused connection is lost: ${protocol}`, async () => {
        const url = await serve(accepted, 'lost');
        expect(await send(url)).to.include({ outcome: 'accepted' });
        expect(await send(url)).to.include({ outcome: 'unknown', code: 'econnreset' });
        expect(sockets.size).to.equal(1);
      });

      it(`is unknown after the timeout: ${protocol}`, async () => {
        expect(await send(await serve('none'))).to.include({ outcome: 'unknown', code: 'etimedout' });
      });

      it(`is unknown if it was aborted: ${protocol}`, async () => {
        const url = await serve('none');
        const abort = new AbortController();
        const aborted = send(url, { signal: abort.signal });
        await until(() => requests === 1, 'the server has the request');
        abort.abort();
        expect(await aborted).to.include({ outcome: 'unknown', code: 'err_aborted' });
      });
    }

    it('is repeated at once only if the provider supports idempotency keys', async () => {
      expect(await send(await http('lost', accepted), { once: false })).to.include({ outcome: 'accepted' });
      const url = await http('lost', accepted);
      requests = 0;
      const outcome = await sendTo(url, { once: false }, { supportsIdempotencyKeys: false });
      expect(outcome).to.include({ outcome: 'unknown' });
      expect(requests).to.equal(1);
    });
  });

  describe('with a response', () => {
    /** A response of a gateway after which the message may have been accepted; the call repeats its request at once. */
    const uncertain = { status: 504, headers: { 'retry-after': '0' } };
    const answers = async (status: number) => send(await http({ status }));

    it('is accepted only with 2xx: a redirect is not followed and is unavailable', async () => {
      for (const status of [300, 301, 302, 304, 307, 308]) {
        const redirect = { status, headers: { location: '/sms/messages' }, body: accepted.body };
        const outcome = await send(await http(redirect, accepted));
        expect(outcome).to.include({ outcome: 'unavailable', httpStatus: status, code: `http_${status}` });
      }
      expect(requests).to.equal(6);
    });

    it('has an inconclusive look-up after a redirect', async () => {
      expect(await lookUp({ status: 302, body: { data: [] } })).to.equal('inconclusive');
    });

    it('is rejected by 409, and unknown if an earlier request may still be processed', async () => {
      expect(await answers(409)).to.include({ outcome: 'rejected', code: 'http_409' });
      expect(await send(await http({ status: 409 }), { mayHaveBeenAccepted: true })).to.include({
        outcome: 'unknown',
        httpStatus: 409,
      });
      expect(await send(await http('lost', { status: 409 }), { once: false })).to.include({
        outcome: 'unknown',
        httpStatus: 409,
      });
    });

    it('is rejected by 422, also for a repeat', async () => {
      expect(await send(await http({ status: 422 }), { mayHaveBeenAccepted: true })).to.include({
        outcome: 'rejected',
      });
    });

    it('is unavailable with 425', async () => {
      expect(await answers(425)).to.include({ outcome: 'unavailable', code: 'http_425' });
    });

    it('is unknown if an earlier request may have been accepted, even if the last response is 425, 429, 301 or 403', async () => {
      for (const status of [425, 429, 301, 403]) {
        const outcome = await send(await http(uncertain, { status }), { once: false });
        expect(outcome).to.include({ outcome: 'unknown', httpStatus: status });
      }
    });
  });

  it('has more time for a large body, whose upload is never cut into an unknown outcome', async () => {
    expect([uploadMs(1_048_576), uploadMs(5_120_000), uploadMs(60_000_000)]).to.deep.equal([
      ...[0, 10_000, MAX_UPLOAD_MS],
    ]);
    const large = { body: 'x'.repeat(16 * 1_048_576) };
    const upload = async (url: string, extraMs: number) => {
      const client = new ProviderClient({
        ...{ url, headers: {}, timeoutMs: 600, uploadMs: () => extraMs, dialect: sesDialect },
      });
      return client.send('messages', large, callContext({ once: false }));
    };
    // The server begins to read after the timeout of a request without a large body.
    const slow = createHttpServer((request, response) => {
      setTimeout(() => request.resume(), 700);
      request.once('end', () => respond({ status: 200, body: { MessageId: 'a' } }, response));
    });
    expect(await upload(await start(slow, 'http'), 20_000)).to.include({ outcome: 'accepted' });
    const never = createHttpServer();
    expect(await upload(await start(never, 'http'), 100)).to.include({
      ...{ outcome: 'unavailable', detail: "Timeout awaiting 'request' for 700ms" },
    });
  });

  describe('with texts in the response', () => {
    const refusing = async (error: object) => send(await http({ status: 400, body: { error } }));

    it('keeps the characters that PostgreSQL can store', async () => {
      expect(await refusing({ code: 'invalid_recipient', message: 'N\0o\ud800!' })).to.include({
        code: 'invalid_recipient',
        detail: 'No\ufffd!',
      });
    });

    it('joins the lines of a text', async () => {
      expect(await refusing({ message: ' No\r\n such\n\nnumber\n' })).to.include({
        detail: 'No such number',
      });
    });

    it('does not keep half of a character at the end of a shortened text', async () => {
      expect(await refusing({ message: `${'x'.repeat(299)}😀` })).to.include({
        detail: `${'x'.repeat(299)}\ufffd`,
      });
    });

    it('keeps a code only if it is a short word', async () => {
      for (const code of ['Not a recipient', 'no\0', '\ud800', '', 'x'.repeat(65), 21_211, null])
        expect(await refusing({ code, message: 'No' })).to.include({ code: 'http_400', detail: 'No' });
      for (const code of ['21211', 'err.a:b-c_d', 'x'.repeat(64)])
        expect(await refusing({ code })).to.include({ code, detail: 'The provider responded with 400' });
    });

    const invalidIds = ['', 'sms\0', 'sms\ud800', 'x'.repeat(256), 7, null, undefined];

    it('is unknown if the id is not valid in receipts', async () => {
      for (const id of invalidIds)
        expect(await send(await http({ status: 202, body: { id } }))).to.include({
          outcome: 'unknown',
          code: 'malformed_response',
        });
      for (const id of ['x'.repeat(255), '😀'.repeat(255)])
        expect(await send(await http({ status: 202, body: { id } }))).to.include({ providerMessageId: id });
    });

    it('has an inconclusive look-up without a valid id', async () => {
      for (const data of [...invalidIds.map((id) => [{ id }]), [null], {}, 'none', undefined])
        expect(await lookUp({ status: 200, body: { data } })).to.equal('inconclusive');
      expect(await lookUp({ status: 200, body: { data: [] } })).to.deep.equal({ found: false });
      expect(await lookUp({ status: 200, body: { data: [{ id: 'sms_1' }] } })).to.deep.equal({
        found: true,
        providerMessageId: 'sms_1',
      });
    });
  });

  it('limits Retry-After to an hour', async () => {
    const parsed = async (after: string, status = 429) => {
      const outcome = await send(await http({ status, headers: { 'retry-after': after } }));
      return 'retryAfterMs' in outcome ? outcome.retryAfterMs : undefined;
    };
    const hour = 60 * 60 * 1_000;
    expect(await parsed('30')).to.equal(30_000);
    expect(await parsed('1732525200')).to.equal(hour);
    expect(await parsed('1732525200', 503)).to.equal(hour);
    expect(await parsed('9'.repeat(400))).to.equal(hour);
    expect(await parsed(new Date(Date.now() + 90_000).toUTCString())).to.be.within(60_000, 90_000);
    expect(await parsed('Fri, 01 Jan 2100 00:00:00 GMT')).to.equal(hour);
    expect(await parsed('Sat, 01 Jan 2000 00:00:00 GMT')).to.equal(0);
    expect(await parsed('soon')).to.equal(null);
  });
});

function respond(answer: Answer, response: ServerResponse): void {
  if (answer === 'none') return;
  if (answer === 'lost') {
    response.destroy();
    return;
  }
  const { status, headers = {}, body } = answer;
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body && JSON.stringify(body));
}
