import { expect } from 'chai';
import { request } from 'undici';
import { openApiDocument } from '../../src/openapi/document.ts';
import { sms } from '../support/bodies.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { until } from '../support/until.ts';
import { store } from '../support/webhooks.ts';

/** Headers that differ between any two responses, or because undici closes the connection after a HEAD. */
const OF_ONE_RESPONSE = new Set(['connection', 'date', 'keep-alive']);

const operations = Object.entries(openApiDocument().paths);
const gettable = operations.filter(([, methods]) => 'get' in methods).map(([path]) => path);

const STREAMS = ['/api/events/stream', '/api/suppressions/export', '/api/participants/{id}/export'];

describe('HEAD', () => {
  let service: Harness;
  const key = 'correct-horse-battery';
  before(async () => {
    service = await startHarness({ API_KEYS: `tests:${key}` });
    const headers = { authorization: `Bearer ${key}` };
    await service.request('POST', '/api/messages/sms', sms, headers);
    await service.request('POST', '/api/media', 'A file', { ...headers, 'content-type': 'text/plain' });
    await store(service.databaseUrl, '{}');
    const endpoint = { url: 'https://example.com/events', enabled: false };
    await service.request('POST', '/api/endpoints', endpoint, headers);
    const status = async () =>
      (await service.request('GET', '/api/messages/1', undefined, headers)).body.status;
    await until(async () => (await status()) === 'delivered', 'message 1 is delivered');
    await service.request('DELETE', '/api/participants/2', undefined, headers);
  });
  after(() => service.stop());

  /** The status and the headers of a GET and a HEAD of one path. */
  const both = async (path: string, headers: Record<string, string> = {}) => {
    const answers = [];
    for (const method of ['GET', 'HEAD'] as const) {
      const given = { authorization: `Bearer ${key}`, 'x-request-id': 'mine', ...headers };
      const answer = await request(service.url + path, { method, headers: given });
      const kept = Object.entries(answer.headers).filter(([name]) => !OF_ONE_RESPONSE.has(name));
      answers.push({
        status: answer.statusCode,
        headers: Object.fromEntries(kept),
        text: await answer.body.text(),
      });
    }
    return answers as [(typeof answers)[0], (typeof answers)[0]];
  };

  const paths = gettable.flatMap((path) => {
    if (path === '/metrics' || STREAMS.includes(path)) return [];
    if (path === '/docs/{asset}')
      return ['/docs/reference.js', '/docs/swagger-ui.css', '/docs/operations.md'];
    return [path.replace('{address}', '%2B18045551234').replace(/\{\w+\}/g, '1')];
  });
  for (const path of paths)
    it(`has the response of GET without a body: ${path}`, async () => {
      const [get, head] = await both(path);
      expect(get.status).to.equal(200);
      expect(head).to.deep.equal({ ...get, text: '' });
      expect(head.headers['content-length']).to.equal(`${Buffer.byteLength(get.text)}`);
    });

  it('has the response of GET without a body: /metrics, whose length changes', async () => {
    const [get, head] = await both('/metrics');
    expect([head.status, head.headers['content-type']]).to.deep.equal([200, get.headers['content-type']]);
    expect(head.text).to.equal('');
  });

  for (const stream of STREAMS)
    it(`has the status and the headers of GET for a stream, and ends: ${stream}`, async () => {
      const given = { authorization: `Bearer ${key}`, 'x-request-id': 'mine' };
      const url = service.url + stream.replace('{id}', '1');
      const head = await request(url, { method: 'HEAD', headers: given });
      const get = await request(url, { headers: given });
      get.body.on('error', () => undefined).destroy();
      expect([head.statusCode, await head.body.text()]).to.deep.equal([200, '']);
      for (const name of ['content-type', 'cache-control', 'x-request-id'])
        expect(head.headers[name], name).to.equal(get.headers[name]);
    });

  const errors: [string, number, Record<string, string>][] = [
    ['/api/messages/4711', 404, {}],
    ['/nothing', 404, {}],
    ['/docs/nothing', 404, {}],
    ['/api/messages?limit=0', 422, {}],
    ['/api/messages/1', 401, { authorization: 'Bearer wrong' }],
    ['/readyz?verbose=maybe', 422, {}],
  ];
  for (const [path, status, headers] of errors)
    it(`has the error response of GET without a body: ${status} to ${path}`, async () => {
      const [get, head] = await both(path, headers);
      expect(get.status).to.equal(status);
      expect(head).to.deep.equal({ ...get, text: '' });
      expect(head.headers['content-length']).to.equal(`${Buffer.byteLength(get.text)}`);
    });

  it('is answered with 304 like GET', async () => {
    const [{ headers }] = await both('/docs');
    const [get, head] = await both('/docs', { 'if-none-match': String(headers.etag) });
    expect([get.status, head.status]).to.deep.equal([304, 304]);
  });

  it('is an allowed method in a 405 wherever GET is', async () => {
    for (const [path, methods] of operations) {
      const { status, headers, body } = await service.request('OPTIONS', path.replace(/\{\w+\}/g, '1'));
      const allowed = Object.keys(methods).map((method) => method.toUpperCase());
      if (allowed.includes('GET')) allowed.push('HEAD');
      expect([status, body.code], path).to.deep.equal([405, 'method_not_allowed']);
      expect(headers.get('allow')?.split(', ').sort(), path).to.deep.equal(allowed.sort());
    }
  });
});
