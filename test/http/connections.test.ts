import { expect } from 'chai';
import { sms } from '../support/bodies.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { keepLog } from '../support/log.ts';
import { chunk, connectRaw, head } from '../support/raw.ts';
import { until } from '../support/until.ts';

interface Response {
  status: number;
  headers: Record<string, string>;
  text: string;
}

/** The responses on one connection. Fails if the last response is not complete. */
function responsesIn(bytes: Buffer): Response[] {
  const responses: Response[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\r\n\r\n', at);
    const [statusLine = '', ...lines] = bytes.subarray(at, end).toString('latin1').split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
    expect(status, `a status line: ${statusLine.slice(0, 200)}`).to.be.above(99);
    const headers = Object.fromEntries(
      lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 2),
      ]),
    );
    const length = status < 200 ? 0 : Number(headers['content-length']);
    at = end + 4 + length;
    expect(at, `content-length of ${statusLine}`).to.be.at.most(bytes.length);
    responses.push({ status, headers, text: bytes.subarray(at - length, at).toString() });
  }
  return responses;
}

const LONG = 'x'.repeat(20_000);
const HOST = 'host: localhost\r\n';
const get = (path: string) => head('GET', path, {});
const chunked = {
  'content-type': 'application/json',
  'transfer-encoding': 'chunked',
  'x-request-id': 'mine',
};

/** Text that is sent on a connection, with the expected status and code. */
const REFUSED: [string, string, number, string][] = [
  ['text that is not HTTP', 'nonsense\r\n\r\n', 400, 'bad_request'],
  ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'bad_request'],
  ['HTTP/2 without an upgrade', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'bad_request'],
  ['a request line without a version', 'GET /healthz\r\n\r\n', 400, 'bad_request'],
  ['an unknown version', `GET /healthz HTTP/9.9\r\n${HOST}\r\n`, 400, 'bad_request'],
  ['an unknown method', `FETCH /healthz HTTP/1.1\r\n${HOST}\r\n`, 400, 'bad_request'],
  ['a method in lower case', `get /healthz HTTP/1.1\r\n${HOST}\r\n`, 400, 'bad_request'],
  ['a target with a space', `GET /a b HTTP/1.1\r\n${HOST}\r\n`, 400, 'bad_request'],
  ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n', 400, 'bad_request'],
  ['two Hosts', `GET /healthz HTTP/1.1\r\n${HOST}host: other\r\n\r\n`, 400, 'bad_request'],
  ['a header without a colon', `GET /healthz HTTP/1.1\r\n${HOST}broken\r\n\r\n`, 400, 'bad_request'],
  ['a space before a colon', `GET /healthz HTTP/1.1\r\n${HOST}name : a\r\n\r\n`, 400, 'bad_request'],
  [
    'a control character in a header',
    `GET /healthz HTTP/1.1\r\n${HOST}name: \x01\r\n\r\n`,
    400,
    'bad_request',
  ],
  [
    'a length that is not a number',
    head('POST', '/api/messages/sms', { 'content-length': '1x' }),
    400,
    'bad_request',
  ],
  ['a negative length', head('POST', '/api/messages/sms', { 'content-length': '-1' }), 400, 'bad_request'],
  [
    'two lengths',
    `POST /api/messages/sms HTTP/1.1\r\n${HOST}content-length: 1\r\ncontent-length: 2\r\n\r\n`,
    400,
    'bad_request',
  ],
  [
    'a length and chunks',
    head('POST', '/api/messages/sms', { 'content-length': 5, 'transfer-encoding': 'chunked' }),
    400,
    'bad_request',
  ],
  ['a chunk without a size', `${head('POST', '/api/messages/sms', chunked)}zz\r\n`, 400, 'bad_request'],
  [
    'a chunk that is too long',
    `${head('POST', '/api/messages/sms', chunked)}1\r\n{}\r\n`,
    400,
    'bad_request',
  ],
  [
    'chunk extensions of 20 kB',
    `${head('POST', '/api/messages/sms', chunked)}1;${LONG}\r\n`,
    413,
    'payload_too_large',
  ],
  [
    'an unknown expectation',
    head('GET', '/healthz', { expect: 'the-impossible' }),
    417,
    'expectation_failed',
  ],
  ['a header of 20 kB', head('GET', '/healthz', { name: LONG }), 431, 'headers_too_large'],
  ['a header name of 20 kB', head('GET', '/healthz', { [LONG]: 'value' }), 431, 'headers_too_large'],
  ['a path of 20 kB', get(`/${LONG}`), 431, 'headers_too_large'],
  ['a query of 20 kB', get(`/healthz?${LONG}`), 431, 'headers_too_large'],
  ['CONNECT', 'CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n', 501, 'not_implemented'],
  ['OPTIONS of the service', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, 404, 'not_found'],
  ['OPTIONS of an operation', head('OPTIONS', '/api/messages', {}), 405, 'method_not_allowed'],
  ['OPTIONS of an unknown path', head('OPTIONS', '/nothing', {}), 404, 'not_found'],
  ['TRACE', head('TRACE', '/healthz', {}), 405, 'method_not_allowed'],
  ['a method of WebDAV', head('PROPFIND', '/healthz', {}), 405, 'method_not_allowed'],
];

describe('A connection', () => {
  let service: Harness;
  const { logger, lines } = keepLog();
  before(async () => {
    service = await startHarness({}, logger);
  });
  after(() => service.stop());

  /** Sends text on a new connection and returns all responses up to the response with this code, which closes it. */
  const exchange = async (text: string, code: string) => {
    const client = await connectRaw(service.url);
    client.write(text);
    await client.receive(new RegExp(`"code":"${code}"[^}]+\\}$`));
    client.end();
    await client.closed();
    return responsesIn(client.bytes());
  };
  const idOf = ({ headers }: Response) => headers['x-request-id'] ?? '';

  for (const [title, text, status, code] of REFUSED)
    it(`is answered with a problem document: ${status} to ${title}`, async () => {
      const [response, ...others] = (await exchange(text, code)) as [Response, ...Response[]];
      expect(others).to.deep.equal([]);
      const ok = await service.request('GET', '/healthz');
      for (const name of [
        'content-security-policy',
        'cache-control',
        'x-frame-options',
        'strict-transport-security',
      ])
        expect(response.headers[name], name).to.equal(ok.headers.get(name));
      expect(response.status).to.equal(status);
      expect(response.headers['content-type']).to.equal('application/problem+json; charset=utf-8');
      expect(response.headers.date).to.match(/ GMT$/);
      expect(idOf(response)).to.match(/^mine$|^[0-9a-f-]{36}$/);
      const problem = JSON.parse(response.text);
      expect(problem).to.include({ type: 'about:blank', status, code, request_id: idOf(response) });
      const hasStatus = (line: object) =>
        'response' in line && (line.response as { status: number }).status === status;
      const line = () => lines.filter((each) => each.request_id === idOf(response)).find(hasStatus);
      expect((await until(line, 'the request is logged')).level).to.equal(30);
    });

  it('is closed with "connection: close" after an error of the parser', async () => {
    for (const [text, code] of [
      ['nonsense\r\n\r\n', 'bad_request'],
      [get(`/${LONG}`), 'headers_too_large'],
      [`${head('POST', '/api/messages/sms', chunked)}zz\r\n`, 'bad_request'],
    ] as const) {
      const [response] = (await exchange(text, code)) as [Response];
      expect(response.headers.connection).to.equal('close');
    }
  });

  it('receives the whole response while the client still sends megabytes of headers', async () => {
    const client = await connectRaw(service.url);
    client.write(`GET /healthz HTTP/1.1\r\n${HOST}`);
    for (let index = 0; index < 500; index++) client.write(`name-${index}: ${LONG}\r\n`);
    await client.receive(/"headers_too_large"[^}]+\}$/);
    client.end();
    await client.closed();
    expect(responsesIn(client.bytes()).map(({ status }) => status)).to.deep.equal([431]);
  });

  it('receives the responses to the requests before a malformed request first, completely and in order', async () => {
    const large = '/docs/swagger-ui-bundle.js';
    const { body } = await service.request('GET', large);
    const pipelined = get('/api/conversations') + get(large) + get('/api/messages?limit=0');
    const responses = await exchange(`${pipelined}nonsense\r\n\r\n`, 'bad_request');
    expect(responses.map(({ status }) => status)).to.deep.equal([200, 200, 422, 400]);
    expect(responses[1]?.text).to.equal(body);
  });

  it('receives the response to a pipelined request with a malformed body after the responses to earlier requests', async () => {
    const broken = `${head('POST', '/api/messages/sms', chunked)}zz\r\n`;
    const responses = await exchange(get('/api/conversations') + get('/healthz') + broken, 'bad_request');
    expect(responses.map(({ status }) => status)).to.deep.equal([200, 200, 400]);
    expect(idOf(responses[2] as Response)).to.equal('mine');
  });

  it('executes the request before a malformed request, and no request after it', async () => {
    const post = (body: string) => {
      const text = JSON.stringify({ ...sms, body });
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
      return head('POST', '/api/messages/sms', headers) + text;
    };
    const responses = await exchange(`${post('Before')}nonsense\r\n\r\n${post('After')}`, 'bad_request');
    expect(responses.map(({ status }) => status)).to.deep.equal([202, 400]);
    const { body } = await service.request('GET', '/api/messages');
    expect(body.data.map((message: { body: string }) => message.body)).to.deep.equal(['Before']);
  });

  it('receives one response to a refused request with a malformed body', async () => {
    const client = await connectRaw(service.url);
    const headers = { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' };
    client.write(head('POST', '/api/messages/sms', headers) + chunk('text'));
    await client.receive(/"unsupported_media_type"[^}]+\}$/);
    client.write('zz\r\n');
    client.end();
    await client.closed();
    expect(responsesIn(client.bytes()).map(({ status }) => status)).to.deep.equal([415]);
  });

  it('receives a response to a GET with a malformed body, and is closed', async () => {
    const client = await connectRaw(service.url);
    client.write(`${head('GET', '/healthz', { 'transfer-encoding': 'chunked' })}zz\r\n`);
    await client.receive(/^HTTP\/1.1 (?:200|400) .+\}$/s);
    client.end();
    await client.closed();
    expect(responsesIn(client.bytes())).to.have.length(1);
  });

  it('ignores an Upgrade header', async () => {
    for (const upgrade of ['websocket', 'h2c', 'TLS/1.3']) {
      const client = await connectRaw(service.url);
      client.write(head('GET', '/healthz', { connection: 'upgrade', upgrade }));
      expect(await client.receive(/\{"status":"ok"\}$/), upgrade).to.match(/^HTTP\/1.1 200 /);
      client.close();
    }
  });

  for (const expectation of ['100-continue', 'anything'])
    it(`may use HTTP/1.0, for which "expect: ${expectation}" is ignored`, async () => {
      const get = await connectRaw(service.url);
      get.write(`GET /healthz HTTP/1.0\r\n${HOST}expect: ${expectation}\r\n\r\n`);
      expect(await get.receive(/\{"status":"ok"\}$/)).to.match(/^HTTP\/1.1 200 /);
      await get.closed();
      const post = await connectRaw(service.url);
      const body = '{}';
      const headers = `${HOST}expect: ${expectation}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
      post.write(`POST /api/messages/sms HTTP/1.0\r\n${headers}\r\n\r\n${body}`);
      expect(await post.receive(/"request_id"/))
        .to.match(/^HTTP\/1.1 422 /)
        .and.not.to.contain(' 100 ');
      await post.closed();
    });
});
