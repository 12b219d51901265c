import { expect } from 'chai';
import { until } from '../../../support/until.ts';
import type { Bench } from './bench.ts';
import type { Subject } from './subject.ts';

/** The receipts of a message: each status, repeats and every order. */
export function describeReceipts(
  { statuses, progress, undocumented, webhooks }: Subject,
  bench: () => Bench,
): void {
  const { receipt } = webhooks;
  const last = statuses[progress.at(-1) as string];

  describe('a receipt', () => {
    const quietly = () => bench().control('PUT', 'settings', { receipts: { enabled: false } });

    it('of each status of the provider gives a sent message its status', async () => {
      await quietly();
      const results = await Promise.all(
        Object.keys(statuses).map(async (status) => {
          const { id, providerId, to } = await bench().sendQuietly();
          await bench().deliver(receipt(providerId, status, false, to));
          return [status, (await bench().message(id)).status];
        }),
      );
      expect(Object.fromEntries(results)).to.deep.equal(statuses);
    });

    it('with an unknown status or with unknown fields is kept, and an unknown status changes nothing', async () => {
      await quietly();
      const { id, providerId, to } = await bench().sendQuietly();
      // The second word is also the name of a member of every object in JavaScript.
      const unknown = ['teleported', 'constructor'];
      for (const status of unknown) await bench().deliver(receipt(providerId, status, true, to));
      expect((await bench().message(id)).status).to.equal('sent');
      await bench().deliver(receipt(providerId, progress.at(-1) as string, true, to));
      expect((await bench().message(id)).status).to.equal(last);
      expect(await bench().receipts(id)).to.include.members(unknown);
    });

    it('that arrives 20 times at once is stored once', async () => {
      await quietly();
      const { id, providerId, to } = await bench().sendQuietly();
      const webhook = receipt(providerId, progress.at(-1) as string, false, to);
      await Promise.all(Array.from({ length: 20 }, () => bench().deliver(webhook)));
      expect((await bench().message(id)).status).to.equal(last);
      expect(await bench().receipts(id)).to.have.lengthOf(1);
    });

    it(`has the same effect in every order: ${progress.join(', ')}`, async () => {
      await quietly();
      const ends = await Promise.all(
        ordersOf(progress).map(async (order) => {
          const { id, providerId, to } = await bench().sendQuietly();
          for (const status of order) await bench().deliver(receipt(providerId, status, false, to));
          return [order.join(), (await bench().message(id)).status];
        }),
      );
      for (const [order, status] of ends) expect(status, order).to.equal(last);
    });

    it('may be repeated, out of order and with undocumented content', async () => {
      await bench().control('PUT', 'settings', {
        receipts: { repeats: 3, disorder: true },
        ...undocumented,
      });
      const { id, to } = await bench().send();
      await bench().service.untilStatus(id, 'delivered');
      const repeated = async () => {
        const [accepted] = await bench().acceptedFor(to);
        return accepted?.receipts.every(({ acknowledged }) => acknowledged === 4);
      };
      await until(repeated, 'the service acknowledges every repeat');
      expect((await bench().message(id)).status).to.equal('delivered');
    });

    it('that arrives before the response to the send is applied', async () => {
      await bench().control('PUT', 'settings', { receipts: { early_rate: 1 } });
      const { id, to } = await bench().send();
      await bench().service.untilStatus(id, 'delivered');
      await until(async () => (await bench().attempts(id)).length === 1, 'the attempt is settled');
      expect((await bench().message(id)).status).to.equal('delivered');
      expect(await bench().acceptedFor(to)).to.have.lengthOf(1);
    });
  });
}

function ordersOf(items: readonly string[]): string[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, index) =>
    ordersOf(items.toSpliced(index, 1)).map((others) => [item, ...others]),
  );
}
