import { expect } from 'chai';
import { ByteBudget } from '../../src/media/byte-budget.ts';

const never = new AbortController().signal;

describe('ByteBudget', () => {
  it('gives bytes in the order of the calls, so that a large file is not delayed by small files', async () => {
    const budget = new ByteBudget(10);
    const first = await budget.take(8, never);
    const order: string[] = [];
    const take = async (bytes: number, name: string) => {
      const taken = await budget.take(bytes, never);
      order.push(name);
      return taken;
    };
    const large = take(1_000, 'large');
    const small = take(1, 'small');
    first[Symbol.dispose]();
    (await large)[Symbol.dispose]();
    (await small)[Symbol.dispose]();
    expect(order).to.deep.equal(['large', 'small']);
    (await budget.take(10, never))[Symbol.dispose]();
  });

  it('rejects an aborted call, which then holds nothing', async () => {
    const budget = new ByteBudget(10);
    const first = await budget.take(10, never);
    const controller = new AbortController();
    const aborted = budget.take(10, controller.signal).catch((error) => error.message);
    const next = budget.take(10, never);
    controller.abort(new Error('late'));
    expect(await aborted).to.equal('late');
    first[Symbol.dispose]();
    (await next)[Symbol.dispose]();
  });
});
