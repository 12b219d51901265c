import { expect } from 'chai';
import fc from 'fast-check';
import { ConnectionError } from '../../sdk/src/errors.ts';
import { delayAfter, isTransient, sleep } from '../../sdk/src/retry.ts';
import { retryAfter } from '../../sdk/src/retry-after.ts';
import { NOW, OBSOLETE, RETRY_AFTER } from '../support/retry-after.ts';
import { rejection } from './support.ts';

const lost = new ConnectionError('lost');
const answer = (status: number, after?: string) =>
  new Response(null, { status, headers: after === undefined ? {} : { 'retry-after': after } });
const policy = { maxRetries: 10, retryDelay: 500 };

describe('The retry schedule of the SDK', () => {
  it('doubles the maximum delay with each retry, up to eight seconds', () => {
    const longest = [0, 1, 2, 3, 4, 5, 9].map((retries) => delayAfter(lost, retries, policy, 1));
    expect(longest).to.deep.equal([500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  });

  it('spreads delays between zero and the maximum', () => {
    expect([0, 0.25, 0.5].map((random) => delayAfter(lost, 2, policy, random))).to.deep.equal([
      0, 500, 1_000,
    ]);
  });

  it('waits at least Retry-After and at most Retry-After plus the jitter', () => {
    fc.assert(
      fc.property(
        fc.nat(60),
        fc.nat(9),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (seconds, retries, random) => {
          const delay = delayAfter(answer(429, String(seconds)), retries, policy, random) ?? -1;
          return delay >= seconds * 1_000 && delay <= seconds * 1_000 + 8_000;
        },
      ),
    );
  });

  it('ends after the last retry, or if Retry-After is more than a minute', () => {
    expect(delayAfter(lost, 10, policy)).to.equal(null);
    expect(delayAfter(lost, 0, { ...policy, maxRetries: 0 })).to.equal(null);
    expect(delayAfter(answer(503, '61'), 0, policy)).to.equal(null);
    expect(delayAfter(answer(503, '60'), 0, policy, 0)).to.equal(60_000);
  });

  it('retries lost responses, 408, 429 and 5xx only', () => {
    const final = [200, 202, 301, 400, 401, 404, 409, 413, 422];
    expect(
      [200, ...final, 408, 429, 500, 502, 503, 504, 599].filter((status) => isTransient(answer(status))),
    ).to.deep.equal([408, 429, 500, 502, 503, 504, 599]);
    expect(isTransient(lost)).to.equal(true);
  });

  const ignored = new Set(OBSOLETE.map(([value]) => value));
  const values = RETRY_AFTER.map(([value, seconds]) => [value, ignored.has(value) ? null : seconds] as const);
  for (const [value, seconds] of values)
    it(`Retry-After ${JSON.stringify(value)} ${seconds === null ? 'counts as absent' : `means ${seconds} s`}`, () => {
      // A header contains bytes only.
      const header = Buffer.from(value).toString('latin1');
      expect(retryAfter(answer(503, header), NOW)).to.equal(seconds ?? undefined);
    });

  it('several Retry-After headers count as absent', () => {
    expect(retryAfter(answer(503), NOW)).to.equal(undefined);
    const headers = new Headers([
      ['retry-after', '5'],
      ['retry-after', '7'],
    ]);
    expect(retryAfter(new Response(null, { headers }), NOW)).to.equal(undefined);
  });

  it('ends a delay as soon as its signal is aborted', async () => {
    const controller = new AbortController();
    const waiting = rejection(sleep(1_000_000, controller.signal));
    controller.abort('stop');
    expect(await waiting).to.equal('stop');
    expect(await rejection(sleep(0, controller.signal))).to.equal('stop');
    await sleep(0, new AbortController().signal);
  });
});
