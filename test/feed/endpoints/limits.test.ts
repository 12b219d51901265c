import { expect } from 'chai';
import { UNTRIED } from '../../../src/feed/endpoints/delivery/limited-endpoint.ts';
import { EndpointLimits } from '../../../src/feed/endpoints/delivery/limits.ts';
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
    return index === -1 ? UNTRIED : numbers[index];
  };
  /** Claims and attempts a delivery; the returned function ends the attempt. Null if the attempt may not begin. */
  const begin = (endpoint: number) => {
    const ended = Promise.withResolvers<void>();
    let call: ReturnType<EndpointLimits['begin']> = null;
    const event = ++events;
    void limits.run(
      endpoint,
      false,
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

  it('allow one delivery at first, and more after a fast success', async () => {
    expect(free(1)).to.equal(1);
    const end = begin(1);
    expect(free(1)).to.equal(0);
    await end(result(200));
    expect(free(1)).to.equal(25);
    const ends = [1, 2, 3].map(() => begin(1));
    expect(free(1)).to.equal(22);
    for (const each of ends) await each(result(200));
    expect(free(1)).to.equal(25);
  });

  it('allow single attempts after five events have failed, at growing intervals, until a success', async () => {
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

  it('do not count an event twice, nor an attempt without a result', async () => {
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

  const slowDown = async (endpoint: number) => {
    const end = begin(endpoint);
    await new Promise(setImmediate);
    now += SECOND;
    await end(result(200));
  };

  it('share a quarter of the attempts evenly among endpoints that are slow', async () => {
    for (const endpoint of [1, 2]) await slowDown(endpoint);
    expect([free(1), free(2), limits.free(now).failing]).to.deep.equal([5, 5, 2]);
    for (const endpoint of [3, 4, 5, 6]) await slowDown(endpoint);
    expect([1, 2, 3, 4, 5, 6].map(free)).to.deep.equal([2, 2, 2, 2, 2, 2]);
    const ends = [1, 1, 2].map(begin);
    expect([free(1), free(2), limits.free(now).failing]).to.deep.equal([0, 1, 0]);
    for (const end of ends) await end(result(200));
    expect(free(1)).to.equal(25);
  });

  it('count an endpoint that hangs as slow', async () => {
    const hanging = Array.from({ length: 12 }, (_, index) => begin(index + 1));
    await new Promise(setImmediate);
    now += SECOND;
    expect(limits.free(now).failing).to.equal(0);
    for (const end of hanging) await end(result(200));
  });

  const hang = (endpoint: number, isFailing: boolean, began: number[]) =>
    void limits.run(endpoint, isFailing, () => {
      began.push(endpoint);
      return new Promise(() => undefined);
    });
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

  it('keep attempts for endpoints without a response so far, however many are slow', async () => {
    const began: number[] = [];
    for (const endpoint of range(1, 60)) hang(endpoint, true, began);
    hang(61, false, began);
    await new Promise(setImmediate);
    expect(began).to.deep.equal([...range(1, 12), 61]);
  });

  it('keep attempts for endpoints that are known to be fast', async () => {
    await attempt(1, result(200));
    const began: number[] = [];
    for (const endpoint of range(2, 60)) hang(endpoint, false, began);
    for (const endpoint of range(61, 120)) hang(endpoint, true, began);
    hang(1, false, began);
    await new Promise(setImmediate);
    expect(began).to.have.members([...range(2, 26), ...range(61, 72), 1]);
  });

  it('forget an endpoint without a claim for ten minutes', async () => {
    for (let n = 0; n < THRESHOLD; n++) await attempt(1, result(500));
    expect(free(1)).to.equal(0);
    now += 11 * 60 * SECOND;
    limits.free(now);
    expect(free(1)).to.equal(UNTRIED);
  });
});
