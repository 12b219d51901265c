import { expect } from 'chai';
import { doubled, jittered, pauseMs } from '../../src/outbox/backoff.ts';

describe('The delays of the outbox', () => {
  it('double up to their maximum', () => {
    expect([-1, 0, 1, 2, 5, 5_000].map((times) => doubled(2_000, times, 30_000))).to.deep.equal([
      2_000, 2_000, 4_000, 8_000, 30_000, 30_000,
    ]);
  });

  it('are reduced by at most a half', () => {
    expect([0, 0.5, 0.75].map((random) => jittered(1_000, random))).to.deep.equal([1_000, 750, 625]);
  });

  it('pause a receiver for its Retry-After, or for a time that doubles with each response that throttles', () => {
    expect(pauseMs(12_000, 5)).to.equal(12_000);
    expect([1, 2, 3, 7, 30].map((times) => pauseMs(null, times))).to.deep.equal([
      1_000, 2_000, 4_000, 60_000, 60_000,
    ]);
  });
});
