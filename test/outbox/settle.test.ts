import { expect } from 'chai';
import { UnavailableError } from '../../src/errors.ts';
import { settleWithin } from '../../src/outbox/settle.ts';

describe('Settling a result', () => {
  const failing = (error: Error, times: number) => {
    let calls = 0;
    const errors: unknown[] = [];
    const settle = async () => {
      if (++calls <= times) throw error;
    };
    return { settle, errors, onError: (failure: unknown) => errors.push(failure), calls: () => calls };
  };

  it('is repeated while the database is unavailable, also after the lease', async () => {
    const error = new UnavailableError('The database is unavailable.');
    const { settle, errors, onError, calls } = failing(error, 2);
    expect(await settleWithin(settle, 0, onError)).to.equal(true);
    expect([calls(), errors]).to.deep.equal([3, [error, error]]);
  });

  it('ends with the lease if the database refuses the result', async () => {
    const { settle, onError, calls } = failing(new Error('A check constraint is violated'), 5);
    expect(await settleWithin(settle, Date.now() - 1, onError)).to.equal(false);
    expect(calls()).to.equal(1);
  });
});
