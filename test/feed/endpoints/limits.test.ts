import { expect } from 'chai';
import { EndpointLimits, PER_ENDPOINT } from '../../../src/feed/endpoints/delivery/limits.ts';
import type { EndpointResult } from '../../../src/feed/endpoints/send.ts';
import { THRESHOLD } from '../../../src/outbox/circuit-breaker.ts';

const SECOND = 1_000;
const result = (statusCode: number, retryAfterMs: number | null = null): EndpointResult => ({
  ...{ outcome: statusCode < 300 ? 'succeeded' : 'failed', statusCode, retryAfterMs },
  ...{ error: null, durationMs: 1, responseBody: null },
});

describe('The limits of endpoints', () => {
  let limits: EndpointLimits;
  let changes: [number, boolean][];
  let now: number;
  let events: number;
  beforeEach(() => {
    changes = [];
    [now, events] = [1_000_000, 0];
    limits = new EndpointLimits({
      concurrency: 50,
      onChange: (endpointId, isAvailable) => changes.push([endpointId, isAvailable]),
    });
  });

  /** The deliveries of an endpoint that may be claimed. */
  const free = (endpoint: number) => {
    const { ids, limits: numbers } = limits.free(now);
    const index = ids.indexOf(endpoint);
    return index === -1 ? PER_ENDPOINT : numbers[index];
  };
  /** Claims and tries a delivery; the returned function ends the try. Null if the try may not begin. */
  const begin = (endpoint: number) => {
    const ended = Promise.withResolvers<void>();
    let call: ReturnType<EndpointLimits['begin']> = null;
    const event = ++events;
    void limits.run(
      endpoint,
      () => {
        call = limits.begin(endpoint, now);
        return ended.promise;
      },
      now,
    );
    return async (given: EndpointResult | null) => {
      await new Promise(setImmediate);
      const pause = call && limits.end(endpoint, call, event, given, now);
      ended.resolve();
      await new Promise(setImmediate);
      return { began: call !== null, pause };
    };
  };
  const attempt = async (endpoint: number, given: EndpointResult | null) => begin(endpoint)(given);

  it('allow five deliveries at first, and more after a fast success', async () => {
    expect(free(1)).to.equal(5);
    const ends = [1, 2, 3].map(() => begin(1));
    expect(free(1)).to.equal(2);
    await ends[0]?.(result(200));
    expect(free(1)).to.equal(23);
    for (const end of ends.slice(1)) await end(result(200));
    expect(free(1)).to.equal(25);
  });

  it('allow single tries after five events have failed, at growing intervals, until a success', async () => {
    for (let n = 0; n < THRESHOLD; n++) await attempt(1, result(500));
    expect([free(1), changes]).to.deep.equal([0, [[1, false]]]);
    expect((await attempt(1, result(200))).began).to.equal(false);
    const waits: number[] = [];
    for (let n = 0; n < 8; n++) {
      const since = now;
      while (free(1) === 0) now += 100;
      waits.push(now - since);
      expect(free(1)).to.equal(1);
      await attempt(1, result(500));
    }
    expect(waits[0]).to.be.within(500, SECOND);
    expect(waits.at(-1)).to.be.within(30 * SECOND, 60 * SECOND);
    now += 60 * SECOND;
    expect((await attempt(1, result(200))).began).to.equal(true);
    expect([free(1), changes.length]).to.deep.equal([2, 2]);
  });

  it('do not count an event twice, nor a try without a result', async () => {
    for (let n = 0; n < 2 * THRESHOLD; n++) {
      events = 0;
      await attempt(1, result(500));
    }
    for (let n = 0; n < 2 * THRESHOLD; n++) await attempt(1, null);
    expect(changes).to.deep.equal([]);
  });

  it('pause an endpoint for Retry-After, or for longer with each response that slows down', async () => {
    expect((await attempt(1, result(503, 30 * SECOND))).pause).to.equal(30 * SECOND);
    expect(free(1)).to.equal(0);
    expect((await attempt(1, result(200))).began).to.equal(false);
    now += 30 * SECOND;
    expect(await attempt(1, result(200))).to.deep.equal({ began: true, pause: null });
    for (const expected of [1, 2, 4, 8, 16, 32, 60, 60]) {
      expect((await attempt(1, result(429))).pause).to.equal(expected * SECOND);
      now += 60 * SECOND;
    }
    expect((await attempt(1, result(500))).pause).to.equal(null);
  });

  it('share half of the tries among endpoints that are slow', async () => {
    const hanging = [1, 2, 3, 4, 5, 6].flatMap((endpoint) => [1, 2, 3, 4].map(() => begin(endpoint)));
    await new Promise(setImmediate);
    now += SECOND;
    const { limits: numbers } = limits.free(now);
    expect(numbers.reduce((sum, number) => sum + number, 0)).to.equal(1);
    for (const end of hanging) await end(result(200));
    expect([1, 2, 3, 4, 5, 6].map(free)).to.deep.equal([5, 5, 5, 5, 5, 0]);
    await attempt(6, result(200));
    expect(free(6)).to.equal(25);
  });

  it('keep half of the tries for endpoints that are known to be fast', async () => {
    await attempt(1, result(200));
    const began: number[] = [];
    const hang = (endpoint: number) =>
      void limits.run(endpoint, () => {
        began.push(endpoint);
        return new Promise(() => undefined);
      });
    for (let endpoint = 2; endpoint <= 60; endpoint++) hang(endpoint);
    hang(1);
    await new Promise(setImmediate);
    expect(began)
      .to.have.length(25 + 1)
      .and.to.include(1);
  });

  it('forget an endpoint without a claim for ten minutes', async () => {
    for (let n = 0; n < THRESHOLD; n++) await attempt(1, result(500));
    expect(free(1)).to.equal(0);
    now += 11 * 60 * SECOND;
    limits.free(now);
    expect(free(1)).to.equal(PER_ENDPOINT);
  });
});
