import { expect } from 'chai';
import { inboundSms, sms } from '../../support/bodies.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

describe('Every response', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({ API_KEYS: 'first:correct-horse-battery' });
  });
  after(() => service.stop());

  const key = { authorization: 'Bearer correct-horse-battery' };
  for (const [status, method, path, body, headers] of [
    [200, 'GET', '/api/conversations', undefined, key],
    [200, 'POST', '/api/webhooks/sms', inboundSms, {}],
    [200, 'GET', '/healthz', undefined, {}],
    [200, 'GET', '/metrics', undefined, key],
    [200, 'GET', '/openapi.json', undefined, {}],
    [202, 'POST', '/api/messages/sms', sms, key],
    [400, 'POST', '/api/messages/sms', '{', key],
    [401, 'GET', '/api/conversations', undefined, {}],
    [404, 'GET', '/nothing', undefined, {}],
    [404, 'GET', '/api/nothing', undefined, {}],
    [405, 'DELETE', '/api/messages', undefined, {}],
    [422, 'POST', '/api/messages/sms', {}, key],
  ] as const) {
    it(`forbids browsers to load, frame, sniff or cache content: ${status} ${method} ${path}`, async () => {
      const answer = await service.request(method, path, body, headers);
      expect(answer.status).to.equal(status);
      expect(Object.fromEntries(answer.headers)).to.include({
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none';frame-ancestors 'none'",
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'strict-transport-security': 'max-age=31536000',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'x-permitted-cross-domain-policies': 'none',
      });
    });

    it(`does not name the server software: ${status} ${method} ${path}`, async () => {
      const answer = await service.request(method, path, body, headers);
      for (const name of ['x-powered-by', 'server', 'via'])
        expect(answer.headers.has(name), name).to.equal(false);
    });
  }
});
