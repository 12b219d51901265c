import { expect } from 'chai';
import fc from 'fast-check';
import { GIVE_UP_AFTER_MS, nextAttempt } from '../../src/delivery/retry-schedule.ts';
import { judge } from '../../src/delivery/settle.ts';

const now = new Date('2024-11-01T14:00:00Z');
const question = { retries: 1, retryAfterMs: null, since: now, now, random: 0.999 };

describe('The long retry schedule', () => {
  it('doubles up to an hour', () => {
    const delays = [1, 2, 3, 8, 12, 13, 20].map(
      (retries) => (nextAttempt({ ...question, retries })?.getTime() ?? 0) - now.getTime(),
    );
    expect(delays.map((delay) => Math.round(delay / 999))).to.deep.equal([1, 2, 4, 128, 2_048, 3_600, 3_600]);
  });

  it('never comes before the provider allows it, nor later than its spread after that', () => {
    fc.assert(
      fc.property(
        fc.record({
          retries: fc.nat(40),
          retryAfterMs: fc.nat(3_600_000),
          random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        }),
        (given) => {
          const wait = (nextAttempt({ ...question, ...given })?.getTime() ?? Number.NaN) - now.getTime();
          const spread = Math.min(3_600_000, 1_000 * 2 ** Math.max(0, given.retries - 1));
          return wait >= given.retryAfterMs && wait <= given.retryAfterMs + spread;
        },
      ),
    );
  });

  it('gives up after a day', () => {
    const since = new Date(now.getTime() - GIVE_UP_AFTER_MS + 1_000);
    expect(nextAttempt({ ...question, since, random: 0.5 })).to.be.instanceOf(Date);
    expect(nextAttempt({ ...question, since, random: 0.5, retryAfterMs: 1_000 })).to.equal(null);
  });
});

describe('What becomes of a message after an attempt', () => {
  const message = { retry_count: 0, may_have_been_sent: false, created_at: now, send_at: null };
  const failure = { httpStatus: 503, code: 'down', detail: 'away', retryAfterMs: null };
  const base = { message, canBeClearedUp: true, now, random: 0.5 };

  it('is sent where it was accepted, and failed where it was refused', () => {
    expect(
      judge({ ...base, outcome: { outcome: 'accepted', httpStatus: 202, providerMessageId: 'x' } }).status,
    ).to.equal('sent');
    expect(judge({ ...base, outcome: { ...failure, outcome: 'rejected' } })).to.deep.include({
      status: 'failed',
      error: { code: 'down', detail: 'away' },
    });
  });

  it('waits where the provider is away, and uses up no attempt where it is throttled', () => {
    expect(judge({ ...base, outcome: { ...failure, outcome: 'unavailable' } })).to.include({
      status: 'queued',
      countsAsRetry: true,
    });
    expect(judge({ ...base, outcome: { ...failure, outcome: 'throttled' } })).to.include({
      status: 'queued',
      countsAsRetry: false,
    });
  });

  it('is tried again after an uncertain send only where that can be cleared up', () => {
    const outcome = { ...failure, outcome: 'unknown' as const };
    expect(judge({ ...base, outcome })).to.include({ status: 'queued', mayHaveBeenSent: true });
    expect(judge({ ...base, outcome, canBeClearedUp: false })).to.include({
      status: 'unknown',
      mayHaveBeenSent: true,
    });
  });

  it('is given up after a day: failed, or unknown where it may have been sent', () => {
    const old = { ...message, created_at: new Date(now.getTime() - GIVE_UP_AFTER_MS) };
    const outcome = { ...failure, outcome: 'unavailable' as const };
    expect(judge({ ...base, message: old, outcome }).status).to.equal('failed');
    expect(judge({ ...base, message: { ...old, may_have_been_sent: true }, outcome }).status).to.equal(
      'unknown',
    );
  });
});
