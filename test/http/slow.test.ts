import { expect } from 'chai';
import { sms } from '../support/bodies.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { connectRaw, head } from '../support/raw.ts';

describe('A request that does not arrive completely', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({ REQUEST_TIMEOUT_MS: '200' });
  });
  after(() => service.stop());

  const body = { 'content-type': 'application/json', 'content-length': 100 };
  for (const [title, text] of [
    ['in the headers', 'GET /healthz HTTP/1.1\r\nhost: service\r\nx-slow: '],
    ['in the body', `${head('POST', '/api/messages/sms', body)}{"from":`],
    [
      'in the body of a signed webhook',
      `${head('POST', '/api/webhooks/sms', { ...body, 'webhook-signature': 'v1,eA==' })}{"from":`,
    ],
  ] as const) {
    it(`gets the response 408, and its connection is closed, if it stops ${title}`, async () => {
      const client = await connectRaw(service.url);
      client.write(text);
      const answer = await client.receive(/"request_timeout"[^}]+\}$/);
      expect(answer).to.match(/^HTTP\/1.1 408 Request Timeout\r$/m);
      expect(answer).to.match(/^content-type: application\/problem\+json/im);
      expect(answer).to.match(/^x-request-id: \S+\r$/im);
      expect(answer).to.match(/^connection: close\r$/im);
      await client.closed();
      expect((await service.request('GET', '/readyz')).status).to.equal(200);
    });
  }

  it('has no effect if the rest of its body arrives after the 408', async () => {
    const client = await connectRaw(service.url);
    const text = JSON.stringify({ ...sms, body: 'Too late' });
    const length = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    client.write(head('POST', '/api/messages/sms', length) + text.slice(0, 10));
    await client.receive(/"request_timeout"[^}]+\}$/);
    client.write(text.slice(10));
    await client.closed();
    expect((await service.request('GET', '/api/messages')).body.data).to.deep.equal([]);
  });
});
