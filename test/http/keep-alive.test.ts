import { expect } from 'chai';
import { startHarness } from '../support/harness.ts';
import { connectRaw, head } from '../support/raw.ts';

const GET = head('GET', '/healthz', {});
const PARTIAL = 'GET /healthz HTTP/1.1\r\nhost: service\r\nx-slow: ';
const ANSWER = /^HTTP\/1.1 200 .+"ok"\}/s;
const TWO_ANSWERS = /"ok"\}.+"ok"\}/s;

describe('An idle connection', () => {
  it('is kept open for longer than the 60 seconds of most load balancers by default', async () => {
    const service = await startHarness();
    const client = await connectRaw(service.url);
    client.write(GET);
    const answer = await client.receive(ANSWER);
    const [, seconds] = /^keep-alive: timeout=(\d+)\r$/im.exec(answer) ?? [];
    expect(Number(seconds)).to.be.at.least(65);
    client.close();
    await service.stop();
  });

  it('is closed KEEP_ALIVE_TIMEOUT_MS after its last request', async () => {
    const service = await startHarness({ KEEP_ALIVE_TIMEOUT_MS: '1000' });
    const client = await connectRaw(service.url);
    client.write(GET);
    expect(await client.receive(ANSWER)).to.match(/^keep-alive: timeout=1\r$/im);
    client.write(GET);
    await client.receive(TWO_ANSWERS);
    await client.closed();
    await service.stop();
  });

  it('is not closed by REQUEST_TIMEOUT_MS', async () => {
    const service = await startHarness({ REQUEST_TIMEOUT_MS: '200' });
    const [idle, slow] = [await connectRaw(service.url), await connectRaw(service.url)];
    idle.write(GET);
    await idle.receive(ANSWER);
    // This request starts after the first connection became idle, so its timeout ends later.
    slow.write(PARTIAL);
    await slow.receive(/^HTTP\/1.1 408 /);
    idle.write(GET);
    await idle.receive(TWO_ANSWERS);
    idle.close();
    await service.stop();
  });

  it('is not closed by REQUEST_TIMEOUT_MS before its first request', async () => {
    const service = await startHarness({ REQUEST_TIMEOUT_MS: '200' });
    const [unused, late, slow] = await Promise.all(Array.from({ length: 3 }, () => connectRaw(service.url)));
    slow?.write(PARTIAL);
    await slow?.receive(/^HTTP\/1.1 408 /);
    unused?.write(GET);
    await unused?.receive(ANSWER);
    // The first request of an unused connection has the same timeout as other requests.
    late?.write(PARTIAL);
    await late?.receive(/^HTTP\/1.1 408 /);
    unused?.close();
    await service.stop();
  });

  for (const [title, text] of [
    ['without a byte', ''],
    ['with empty lines only', '\r\n\r\n'],
  ] as const)
    it(`is closed after KEEP_ALIVE_TIMEOUT_MS ${title}`, async () => {
      const service = await startHarness({ REQUEST_TIMEOUT_MS: '200', KEEP_ALIVE_TIMEOUT_MS: '2000' });
      const [unused, slow] = [await connectRaw(service.url), await connectRaw(service.url)];
      slow.write(PARTIAL);
      await slow.receive(/^HTTP\/1.1 408 /);
      unused.write(text);
      await unused.closed();
      expect(unused.bytes()).to.have.length(0);
      await service.stop();
    });

  it('is closed immediately when the service stops', async () => {
    const service = await startHarness({ STOP_TIMEOUT_MS: '600000' });
    const client = await connectRaw(service.url);
    client.write(GET);
    await client.receive(ANSWER);
    await service.stop();
    await client.closed();
  });
});
