import { expect } from 'chai';
import type { DisruptionOptions } from './options.ts';
import { killInRotation } from './steps.ts';

describe('The disruptions of chaos runs', () => {
  it('kill no more processes after the abort, also while all workers are spared', async () => {
    let reads = 0;
    const service = {
      ...{ workers: [], apis: [] },
      get spared() {
        if (++reads > 10) throw new Error('the rotation continues');
        return 'all';
      },
    };
    const options = { settings: { killEveryMs: 0 }, targets: { service }, signal: AbortSignal.abort() };
    await killInRotation(options as unknown as DisruptionOptions, async () => false);
    expect(reads).to.be.at.most(1);
  });
});
