import { expect } from 'chai';
import { type Harness, startHarness } from '../helpers/harness.ts';
import { connectRaw, head } from '../helpers/raw.ts';

describe('A request that does not arrive', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({ REQUEST_TIMEOUT_MS: '200' });
  });
  after(() => service.stop());

  const body = { 'content-type': 'application/json', 'content-length': 100 };
  for (const [title, text] of [
    ['in its head', 'GET /healthz HTTP/1.1\r\nhost: service\r\nx-slow: '],
    ['in its body', `${head('POST', '/api/messages/sms', body)}{"from":`],
    [
      'in the body that it has signed',
      `${head('POST', '/api/webhooks/sms', { ...body, 'webhook-signature': 'v1,eA==' })}{"from":`,
    ],
  ] as const) {
    it(`is answered 408 and cut off: it stops ${title}`, async () => {
      const client = await connectRaw(service.url);
      client.write(text);
      expect(await client.receive(/\r\n\r\n/)).to.match(/^HTTP\/1.1 408 /);
      await client.closed();
      expect((await service.request('GET', '/readyz')).status).to.equal(200);
    });
  }
});
