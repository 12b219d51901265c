import { expect } from 'chai';
import fc from 'fast-check';
import { nextAttempt } from '../../src/delivery/backoff.ts';
import { nextState } from '../../src/delivery/states/transition.ts';
import { standardCapabilities } from '../../src/providers/standard/capabilities.ts';
import { standardAccount } from '../support/provider-server.ts';

const now = new Date('2024-11-01T14:00:00Z');
const input = { retries: 1, leastMs: 0, now, random: 0.999 };

describe('The backoff', () => {
  it('doubles up to an hour', () => {
    const delays = [1, 2, 3, 8, 12, 13, 20].map(
      (retries) => nextAttempt({ ...input, retries }).getTime() - now.getTime(),
    );
    expect(delays.map((delay) => Math.round(delay / 999))).to.deep.equal([1, 2, 4, 128, 2_048, 3_600, 3_600]);
  });

  it('is never shorter than Retry-After, nor longer than Retry-After and the jitter', () => {
    fc.assert(
      fc.property(
        fc.record({
          retries: fc.nat(40),
          leastMs: fc.nat(3_600_000),
          random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        }),
        (given) => {
          const wait = nextAttempt({ ...input, ...given }).getTime() - now.getTime();
          const spread = Math.min(3_600_000, 1_000 * 2 ** Math.max(0, given.retries - 1));
          return wait >= given.leastMs && wait <= given.leastMs + spread;
        },
      ),
    );
  });
});

describe('The next state of a message after an attempt', () => {
  const message = {
    ...{ retry_count: 0, may_have_been_sent: false, partly_sent: false },
    expires_at: new Date(now.getTime() + 60_000),
  };
  const failure = {
    ...{
      httpStatus: 503,
      class: 'provider_error' as const,
      code: 'down',
      detail: 'unavailable',
      retryAfterMs: null,
      isOperatorError: false,
    },
  };
  const capabilities = standardCapabilities('sms', standardAccount('http://127.0.0.1:9').settings);
  const provider = { name: 'text-co', capabilities };
  const base = { message, provider, fallback: null, unassigned: null, timeoutMs: 10_000, now, random: 0.5 };
  const wait = (transition: { nextAttemptAt: Date | null }) =>
    (transition.nextAttemptAt?.getTime() ?? Number.NaN) - now.getTime();

  it('is sent after accepted, and failed after rejected', () => {
    expect(
      nextState({ ...base, outcome: { outcome: 'accepted', httpStatus: 202, providerMessageId: 'x' } }),
    ).to.include({ status: 'sent', provider: 'text-co' });
    expect(nextState({ ...base, outcome: { ...failure, outcome: 'rejected' } })).to.deep.include({
      status: 'failed',
      error: { code: 'down', detail: 'unavailable', class: 'provider_error', url: null },
    });
  });

  it('is queued after unavailable and throttled, and throttled does not count towards the backoff', () => {
    expect(nextState({ ...base, outcome: { ...failure, outcome: 'unavailable' } })).to.include({
      status: 'queued',
      provider: null,
      countsAsRetry: true,
    });
    expect(nextState({ ...base, outcome: { ...failure, outcome: 'throttled' } })).to.include({
      status: 'queued',
      provider: null,
      countsAsRetry: false,
    });
  });

  it('returns to the first account that can send the message, if not every account can', () => {
    for (const outcome of ['unavailable', 'throttled'] as const)
      expect(
        nextState({ ...base, unassigned: 'first-co', outcome: { ...failure, outcome } }).provider,
        outcome,
      ).to.equal('first-co');
    const sent = { ...message, may_have_been_sent: true };
    const outcome = { ...failure, outcome: 'unavailable' as const };
    expect(nextState({ ...base, message: sent, unassigned: 'first-co', outcome }).provider).to.equal(
      'text-co',
    );
  });

  it('fails over at once after unavailable if another account is available', () => {
    const transition = nextState({
      ...base,
      fallback: 'spare-co',
      outcome: { ...failure, outcome: 'unavailable', retryAfterMs: 5_000 },
    });
    expect(transition).to.include({ status: 'queued', provider: 'spare-co', countsAsRetry: false });
    expect(wait(transition)).to.equal(0);
  });

  it('does not fail over if the provider may have accepted the message, or is throttled', () => {
    for (const given of [
      { outcome: { ...failure, outcome: 'unknown' as const } },
      {
        message: { ...message, may_have_been_sent: true },
        outcome: { ...failure, outcome: 'unavailable' as const },
      },
    ])
      expect(nextState({ ...base, fallback: 'spare-co', ...given })).to.include({
        status: 'queued',
        provider: 'text-co',
      });
    expect(
      nextState({ ...base, fallback: 'spare-co', outcome: { ...failure, outcome: 'throttled' } }).provider,
    ).to.equal(null);
  });

  it('is queued after unknown only if the outcome can be reconciled', () => {
    const outcome = { ...failure, outcome: 'unknown' as const };
    expect(nextState({ ...base, outcome })).to.include({ status: 'queued', mayHaveBeenSent: true });
    const withoutReconciliation = {
      ...provider,
      capabilities: { ...capabilities, idempotencyKeys: false, lookUp: null },
    };
    expect(nextState({ ...base, outcome, provider: withoutReconciliation })).to.include({
      status: 'unknown',
      mayHaveBeenSent: true,
    });
  });

  it('is looked up only when the provider can no longer process an aborted request', () => {
    const outcome = { ...failure, outcome: 'unknown' as const };
    expect(wait(nextState({ ...base, outcome }))).to.be.lessThan(1_001);
    const withLookUp = { ...provider, capabilities: { ...capabilities, idempotencyKeys: false } };
    expect(wait(nextState({ ...base, outcome, provider: withLookUp }))).to.be.least(10_000);
  });

  it('is unknown if the message expired and may have been sent', () => {
    const expired = { ...message, expires_at: now };
    expect(
      nextState({ ...base, message: expired, outcome: { ...failure, outcome: 'unknown' } }).status,
    ).to.equal('unknown');
  });
});
