import { expect } from 'chai';
import type { Bench } from './bench.ts';

/** The URL of an account whose kind sends no webhooks. */
export function describeSilence(bench: () => Bench): void {
  describe('a webhook', () => {
    it('of an account whose kind sends none is refused, and nothing is stored', async () => {
      const before = await bench().stored();
      const { status } = await bench().post({
        path: `/api/webhooks/${bench().subject.account}`,
        headers: { 'content-type': 'application/json' },
        body: '{}',
      });
      expect(status).to.equal(401);
      expect(await bench().stored()).to.deep.equal(before);
    });
  });
}
