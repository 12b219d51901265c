import { expect } from 'chai';
import { shareRunning } from '../../src/db/batch/share-running.ts';

const HOUR_MS = 3_600_000;

describe('Shared work', () => {
  it('runs once for all calls during a run', async () => {
    let runs = 0;
    const shared = shareRunning(async () => ++runs);
    expect(await Promise.all([shared(), shared(), shared()])).to.deep.equal([1, 1, 1]);
    expect(await shared()).to.equal(2);
  });

  it('runs once for all calls until its result expires', async () => {
    let runs = 0;
    const shared = shareRunning(async () => ++runs, HOUR_MS);
    for (const _ of [1, 2, 3]) expect(await shared()).to.equal(1);
  });

  it('runs again after a failure', async () => {
    let runs = 0;
    const shared = shareRunning(async () => {
      if (++runs === 1) throw new Error('failed');
      return runs;
    });
    expect(await shared().catch((error) => error.message)).to.equal('failed');
    expect(await shared()).to.equal(2);
  });
});
