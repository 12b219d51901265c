import { expect } from 'chai';
import { ClaimLoop, type ClaimLoopOptions } from '../../src/outbox/claim-loop.ts';
import { until } from '../support/until.ts';

const HOUR_MS = 3_600_000;

describe('The claim loop', () => {
  let claims = 0;
  let loop: ClaimLoop;
  const start = (options: Partial<ClaimLoopOptions> = {}) => {
    claims = 0;
    const claim = async () => {
      claims++;
      return HOUR_MS;
    };
    loop = new ClaimLoop({ claim, ...options });
    loop.start();
  };
  const untilClaims = (count: number) => until(() => claims === count, `${count} claims`);
  const hold = () => {
    const work = Promise.withResolvers<void>();
    loop.held.add(work.promise, () => undefined);
    return work.resolve;
  };

  it('claims at once, and again when it is woken, also during a claim', async () => {
    const first = Promise.withResolvers<void>();
    start({
      claim: async () => {
        if (++claims === 1) await first.promise;
        return HOUR_MS;
      },
    });
    expect(claims).to.equal(1);
    loop.wake();
    first.resolve();
    await untilClaims(2);
    loop.wake();
    await untilClaims(3);
    await loop.stop();
    expect(claims).to.equal(3);
  });

  it('claims again after the time that the last claim returned', async () => {
    start({ claim: async () => (++claims < 3 ? 1 : HOUR_MS) });
    await untilClaims(3);
    await loop.stop();
  });

  it('does not wait at the stop for the pace of its claims', async () => {
    start({ pace: (stopped) => stopped });
    await untilClaims(1);
    loop.wake();
    await loop.stop();
    expect(claims).to.equal(1);
  });

  it('waits at the stop for the work that it holds, without an abort', async () => {
    start({ patienceMs: HOUR_MS });
    const settle = hold();
    let stopped = false;
    const stopping = loop.stop().then(() => {
      stopped = true;
    });
    await new Promise(setImmediate);
    expect(stopped).to.equal(false);
    settle();
    await stopping;
    expect([loop.signal.aborted, loop.held.size]).to.deep.equal([false, 0]);
  });

  it('aborts work that outlasts the patience of the stop', async () => {
    start({ patienceMs: 1 });
    const settle = hold();
    loop.signal.addEventListener('abort', () => settle());
    await Promise.all([loop.stop(), loop.stop()]);
    expect(loop.signal.aborted).to.equal(true);
  });
});
