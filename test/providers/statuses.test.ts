import { expect } from 'chai';
import { meaningOfStatus } from '../../src/providers/standard/status-outcomes.ts';
import { type ProviderServer, sendTo, startProviderServer } from '../support/provider-server.ts';

/** The statuses by outcome. */
const OUTCOMES: Record<string, number[]> = {
  unknown: [
    ...[101, 150, 199, 303, 499],
    ...[502, 504, 506, 507, 508, 509, 510, 520, 522, 524, 527, 529, 530, 561, 598, 599],
    ...[600, 666, 700, 850, 999],
  ],
  unavailable: [
    ...[300, 301, 302, 304, 305, 306, 307, 308, 399],
    ...[401, 402, 403, 404, 405, 406, 407, 408, 410, 411, 412, 415, 416, 417, 421, 425, 426, 428, 431],
    ...[494, 495, 496, 497],
    ...[500, 501, 503, 505, 511, 521, 523, 525, 526],
  ],
  rejected: [400, 409, 413, 414, 418, 422, 423, 424, 451, 498],
  throttled: [429],
};

describe("The outcome of a provider's response status", () => {
  let provider: ProviderServer;
  let requests = 0;
  let statuses: number[] = [];
  before(async () => {
    provider = await startProviderServer((_request, response) => {
      requests++;
      const [status = 202] = statuses.splice(0, 1);
      const body = status === 204 || status === 205 ? '' : '{"id":"sms_1"}';
      const headers = `retry-after: 0\r\nconnection: close\r\ncontent-length: ${body.length}`;
      // Node's own server refuses to send some of these statuses.
      response.socket?.end(`HTTP/1.1 ${status} Status\r\n${headers}\r\n\r\n${body}`);
    });
  });
  after(() => provider.stop());
  beforeEach(() => {
    requests = 0;
  });

  for (const [outcome, list] of Object.entries(OUTCOMES))
    for (const status of list)
      it(`${status} is ${outcome}`, async () => {
        statuses = [status];
        expect(await sendTo(provider.url)).to.include({ outcome });
        expect(requests).to.equal(1);
      });

  for (const status of [200, 201, 202, 203, 206, 207, 226, 299])
    it(`${status} with an id is accepted`, async () => {
      statuses = [status];
      expect(await sendTo(provider.url)).to.include({ outcome: 'accepted', httpStatus: status });
    });

  it('204 and 205 are unknown, because they have no body', async () => {
    for (const status of [204, 205]) {
      statuses = [status];
      expect(await sendTo(provider.url)).to.include({ outcome: 'unknown', code: 'malformed_response' });
    }
  });

  it('every status from 100 to 999 has an outcome, and only listed statuses are transient', () => {
    const repeated: number[] = [];
    for (let status = 100; status <= 999; status++) {
      const { outcome, isTransient } = meaningOfStatus(status);
      expect(outcome, String(status)).to.be.oneOf(Object.keys(OUTCOMES));
      if (isTransient) repeated.push(status);
    }
    expect(repeated).to.deep.equal([408, 500, 502, 503, 504, 520, 521, 522, 523, 524, 598, 599]);
  });

  it('a call repeats its request after a transient status, and not after any other', async () => {
    for (const [status, again] of Object.entries({
      500: true,
      524: true,
      521: true,
      402: false,
      530: false,
    })) {
      statuses = [Number(status), 202];
      requests = 0;
      const { outcome } = await sendTo(provider.url, { once: false });
      expect([status, requests, outcome === 'accepted']).to.deep.equal([status, again ? 2 : 1, again]);
    }
  });

  it('without idempotency keys a call repeats its request only if the first was not processed', async () => {
    for (const [status, again] of Object.entries({ 500: true, 521: true, 524: false, 599: false })) {
      statuses = [Number(status), 202];
      requests = 0;
      await sendTo(provider.url, { once: false }, { supportsIdempotencyKeys: false });
      expect([status, requests]).to.deep.equal([status, again ? 2 : 1]);
    }
  });

  it('429 is not repeated inside a call', async () => {
    statuses = [429, 202];
    expect(await sendTo(provider.url, { once: false })).to.include({ outcome: 'throttled', retryAfterMs: 0 });
    expect(requests).to.equal(1);
  });
});
