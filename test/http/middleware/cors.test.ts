import { expect } from 'chai';
import { type OpenApiDocument, openApiDocument } from '../../../src/openapi/document.ts';
import { inboundSms, sms } from '../../support/bodies.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

const ORIGIN = 'https://app.example';
const KEY = { authorization: 'Bearer correct-horse-battery' };
const PREFLIGHT = {
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'authorization',
};

/** The names of the headers of all responses in the contract, and of the components that they refer to. */
function responseHeaders(document: OpenApiDocument): Set<string> {
  const names = new Set<string>();
  const visit = (node: unknown, isHeaders: boolean): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      if (isHeaders) names.add(key.toLowerCase());
      visit(value, key === 'headers');
    }
  };
  visit(document.paths, false);
  visit((document.components as unknown as { responses: object }).responses, false);
  // Scripts may read these headers of every response.
  for (const name of ['cache-control', 'content-length']) names.delete(name);
  return names;
}

const corsHeaders = (headers: Headers) =>
  [...headers.keys()].filter((name) => name.startsWith('access-control-'));

describe('CORS', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({
      API_KEYS: 'app:correct-horse-battery,reader:key-of-the-reader:read',
      CORS_ORIGINS: `${ORIGIN},http://localhost:3000`,
      RATE_LIMIT_PER_SECOND: '1000',
    });
  });
  after(() => service.stop());

  it('answers the preflight request of every operation, except webhooks', async () => {
    for (const [path, operations] of Object.entries(openApiDocument().paths)) {
      const target = path.replace(/\{\w+\}/g, '1');
      for (const method of Object.keys(operations)) {
        const headers = {
          origin: ORIGIN,
          ...PREFLIGHT,
          'access-control-request-method': method.toUpperCase(),
        };
        const answer = await service.request('OPTIONS', target, undefined, headers);
        if (path.startsWith('/api/webhooks')) {
          expect(answer.status, path).to.equal(405);
          expect(corsHeaders(answer.headers), path).to.deep.equal([]);
          continue;
        }
        expect(answer.status, path).to.equal(204);
        expect(answer.headers.get('access-control-allow-origin')).to.equal(ORIGIN);
        expect(answer.headers.get('access-control-allow-methods')).to.contain(method.toUpperCase());
        expect(answer.headers.get('access-control-allow-headers')).to.contain('Authorization');
        expect(answer.headers.get('access-control-allow-headers')).to.contain('Idempotency-Key');
        expect(answer.headers.has('access-control-allow-credentials')).to.equal(false);
      }
    }
  });

  for (const [status, method, path, body, headers] of [
    [200, 'GET', '/api/conversations', undefined, KEY],
    [202, 'POST', '/api/messages/sms', sms, KEY],
    [400, 'POST', '/api/messages/sms', '{', KEY],
    [401, 'GET', '/api/conversations', undefined, {}],
    [403, 'POST', '/api/messages/sms', sms, { authorization: 'Bearer key-of-the-reader' }],
    [404, 'GET', '/api/nothing', undefined, {}],
    [404, 'GET', '/api/messages/%zz', undefined, {}],
    [405, 'DELETE', '/api/messages', undefined, {}],
    [413, 'POST', '/api/messages/sms', { body: 'x'.repeat(2_000_000) }, KEY],
    [415, 'POST', '/api/messages/sms', 'text', { ...KEY, 'content-type': 'text/plain' }],
    [422, 'POST', '/api/messages/sms', {}, KEY],
  ] as const) {
    it(`lets scripts of the origin read the response: ${status} ${method} ${path}`, async () => {
      const answer = await service.request(method, path, body, { ...headers, origin: ORIGIN });
      expect(answer.status).to.equal(status);
      expect(answer.headers.get('access-control-allow-origin')).to.equal(ORIGIN);
      expect(answer.headers.get('vary')).to.match(/\bOrigin\b/);
      const exposed = answer.headers.get('access-control-expose-headers')?.toLowerCase().split(', ');
      for (const name of responseHeaders(openApiDocument())) expect(exposed, name).to.include(name);
    });
  }

  it('adds no headers for another origin, and does not answer its preflight', async () => {
    for (const origin of [
      'https://app.example.evil',
      'https://evil-app.example',
      'http://app.example',
      'https://app.example:8443',
      'HTTPS://app.example',
      'null',
      '*',
    ]) {
      const answer = await service.request('GET', '/api/conversations', undefined, { ...KEY, origin });
      expect([answer.status, ...corsHeaders(answer.headers)], origin).to.deep.equal([200]);
      expect(answer.headers.get('vary'), origin).to.match(/\bOrigin\b/);
      const headers = { origin, ...PREFLIGHT };
      const preflight = await service.request('OPTIONS', '/api/messages/sms', undefined, headers);
      expect([preflight.status, ...corsHeaders(preflight.headers)], origin).to.deep.equal([405]);
    }
  });

  it('adds no headers to the responses of webhooks', async () => {
    for (const path of ['/api/webhooks/sms', '/API/Webhooks/sms', '/api/webhooks/text-co', '/api/webhooks']) {
      const answer = await service.request('POST', path, inboundSms, { origin: ORIGIN });
      expect(corsHeaders(answer.headers), `${answer.status} ${path}`).to.deep.equal([]);
    }
  });

  it('does not answer OPTIONS that is no preflight', async () => {
    const { status } = await service.request('OPTIONS', '/api/messages', undefined, { origin: ORIGIN });
    expect(status).to.equal(405);
  });

  it('is off by default', async () => {
    const closed = await startHarness({ API_KEYS: 'app:correct-horse-battery' });
    try {
      const answer = await closed.request('GET', '/api/conversations', undefined, { ...KEY, origin: ORIGIN });
      expect([answer.status, ...corsHeaders(answer.headers)]).to.deep.equal([200]);
      const headers = { origin: ORIGIN, ...PREFLIGHT };
      expect((await closed.request('OPTIONS', '/api/messages', undefined, headers)).status).to.equal(405);
    } finally {
      await closed.stop();
    }
  });
});
