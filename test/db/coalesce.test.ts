import { expect } from 'chai';
import { coalesce } from '../../src/db/batch/coalesce.ts';
import { retrySingly, toClientError } from '../../src/db/batch/retry-singly.ts';
import { UnavailableError } from '../../src/errors.ts';

const limits = { maxBatch: 10, maxQueue: 100, parallel: 1 };
const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error) => error,
  );

describe('Coalescing of concurrent calls', () => {
  it('writes the items that arrive during a write in one batch', async () => {
    const batches: number[][] = [];
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { add, idle } = coalesce(async (items: number[]) => {
      batches.push(items);
      await gate;
      return items.map((item) => item * 2);
    }, limits);
    const first = add(1);
    await new Promise(setImmediate);
    const others = [2, 3, 4].map(add);
    release();
    expect(await Promise.all([first, ...others])).to.deep.equal([2, 4, 6, 8]);
    expect(batches).to.deep.equal([[1], [2, 3, 4]]);
    await idle();
  });

  it('starts a parallel batch when it is as large as the batches in progress', async () => {
    const batches: number[][] = [];
    const gates: (() => void)[] = [];
    const { add, idle } = coalesce(
      async (items: number[]) => {
        batches.push(items);
        await new Promise<void>((resolve) => gates.push(resolve));
        return items;
      },
      { ...limits, parallel: 2 },
    );
    const nextTick = () => new Promise(setImmediate);
    const all = [1, 2].map(add);
    await nextTick();
    all.push(add(3));
    await nextTick();
    expect(batches).to.deep.equal([[1, 2]]);
    all.push(add(4));
    await nextTick();
    expect(batches).to.deep.equal([
      [1, 2],
      [3, 4],
    ]);
    all.push(add(5));
    for (const release of gates.splice(0)) release();
    await Promise.all(all.slice(0, 4));
    for (const release of gates.splice(0)) release();
    await idle();
    expect(batches.at(-1)).to.deep.equal([5]);
    expect(await Promise.all(all)).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it('limits the number of items per batch', async () => {
    const sizes: number[] = [];
    const { add } = coalesce(async (items: number[]) => {
      sizes.push(items.length);
      return items;
    }, limits);
    await Promise.all(Array.from({ length: 25 }, (_, n) => add(n)));
    expect(sizes).to.deep.equal([10, 10, 5]);
  });

  it('refuses an item if the queue is full', async () => {
    const { add } = coalesce(async (items: number[]) => items, { ...limits, maxQueue: 2 });
    const [, , third] = await Promise.all([add(1), add(2), rejection(add(3))]);
    expect(third).to.be.instanceOf(UnavailableError);
  });

  it('limits the bytes per batch and in the queue', async () => {
    const batches: number[][] = [];
    const byteLimits = { ...limits, sizeOf: (item: number) => item, maxBatchBytes: 10, maxQueueBytes: 20 };
    const { add } = coalesce(async (items: number[]) => {
      batches.push(items);
      return items;
    }, byteLimits);
    const refused = [4, 5, 2, 9, 1].map(add).map(rejection);
    expect((await Promise.all(refused)).map((error) => error instanceof UnavailableError)).to.deep.equal([
      false,
      false,
      false,
      false,
      true,
    ]);
    expect(batches).to.deep.equal([[4, 5], [2], [9]]);
    expect(await add(50), 'a large item in an empty queue').to.equal(50);
  });

  it('rejects all items of a failed batch, and writes the next batch', async () => {
    let broken = true;
    const { add } = coalesce(async (items: number[]) => {
      if (broken) throw new Error('broken');
      return items;
    }, limits);
    expect(
      (await Promise.all([rejection(add(1)), rejection(add(2))])).map((error) => error.message),
    ).to.deep.equal(['broken', 'broken']);
    broken = false;
    expect(await add(3)).to.equal(3);
  });
});

describe('Retrying the items of a failed batch singly', () => {
  const write = async (items: number[]) => {
    if (items.includes(0)) throw Object.assign(new Error('no zeros'), { code: '22003' });
    return items;
  };

  it('rejects only the invalid item', async () => {
    const [one, zero, two] = await retrySingly(write, toClientError)([1, 0, 2]);
    expect([one, two]).to.deep.equal([1, 2]);
    expect(zero).to.include({ code: 'invalid_request' });
  });

  it('reports a missing row as the error of PostgreSQL, or to a client as UnavailableError', async () => {
    const missing = Object.assign(new Error('violates foreign key constraint'), { code: '23503' });
    const failing = async () => {
      throw missing;
    };
    expect(await retrySingly(failing)([1])).to.deep.equal([missing]);
    expect((await retrySingly(failing, toClientError)([1]))[0]).to.be.instanceOf(UnavailableError);
  });

  for (const [name, error] of [
    ['an unavailable database', new UnavailableError('unavailable')],
    ['a network error', Object.assign(new Error('connect ENETUNREACH'), { code: 'ENETUNREACH' })],
    ['a broken pipe', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })],
    ['a TLS error', Object.assign(new Error('bad record'), { code: 'ERR_SSL_BAD_RECORD_TYPE' })],
    ['a lost connection that the server reports', Object.assign(new Error('lost'), { code: '08006' })],
    ['an error without a code', new Error('unexpected')],
  ] as const)
    it(`does not write a batch again after ${name}, because the batch may have been committed`, async () => {
      let calls = 0;
      const failing = async () => {
        calls++;
        throw error;
      };
      expect(await rejection(retrySingly(failing)([1, 2]))).to.equal(error);
      expect(calls).to.equal(1);
    });

  it('writes no other items singly after the database became unavailable', async () => {
    const written: number[][] = [];
    const unavailable = new UnavailableError('unavailable');
    const failing = async (items: number[]) => {
      written.push(items);
      if (items.length > 1) throw Object.assign(new Error('refused'), { code: '22003' });
      if (items[0] === 2) throw unavailable;
      return items;
    };
    expect(await retrySingly(failing)([1, 2, 3])).to.deep.equal([1, unavailable, unavailable]);
    expect(written).to.deep.equal([[1, 2, 3], [1], [2]]);
  });
});
