import { expect } from 'chai';
import fc from 'fast-check';
import { Breaker } from '../../src/delivery/accounts/breaker.ts';
import type { Call } from '../../src/delivery/accounts/call.ts';
import { type BreakerState, THRESHOLD } from '../../src/outbox/circuit-breaker.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { type Behaviour, type ModelMessage, type ModelResult, runModel } from './worker-model.ts';

const CONCURRENCY = 16;
/** `make soak` runs each random test four times as long. */
const RUNS = process.env.SOAK_RUNS ? 12 : 1;

describe('The circuit breaker of a provider', () => {
  let breaker: Breaker;
  let states: BreakerState[];
  let now: number;
  beforeEach(() => {
    states = [];
    now = 1_000_000;
    breaker = new Breaker({
      provider: { name: 'text-co' } as Provider,
      concurrency: CONCURRENCY,
      random: () => 0,
      onChange: (state) => states.push(state),
    });
  });

  const begin = (recipient: number, { attempt = 1, failedOver = false } = {}): Call =>
    breaker.begin({ to: [`+${recipient}`], attempt_count: attempt }, failedOver, now);
  const end = (call: Call, outcome: Parameters<Breaker['end']>[1]) => breaker.end(call, outcome, now);
  const fail = (recipient: number, options = {}) => end(begin(recipient, options), 'unknown');
  const freeSlots = () => breaker.freeSlots(now);
  const open = () => {
    for (let n = 1; n <= THRESHOLD; n++) fail(n);
    expect(breaker.state).to.equal('open');
  };

  it(`opens after ${THRESHOLD} recipients failed without a success in between`, () => {
    for (let n = 1; n < THRESHOLD; n++) fail(n);
    expect(breaker.state).to.equal('closed');
    fail(THRESHOLD);
    expect(breaker.state).to.equal('open');
    expect(freeSlots()).to.deep.equal({ calls: 0, retries: 0 });
  });

  it('stays closed if fewer recipients than the threshold fail, even 100 times', () => {
    for (let attempt = 1; attempt <= 100; attempt++) fail(1 + (attempt % (THRESHOLD - 1)), { attempt });
    expect(states).to.deep.equal([]);
  });

  it('stays closed while a call succeeds between or during the failures', () => {
    for (const outcome of ['accepted', 'rejected'] as const) {
      for (let n = 1; n <= 10 * THRESHOLD; n++) {
        fail(n);
        if (n % (THRESHOLD - 1) === 0) end(begin(1_000), outcome);
      }
      const failing = Array.from({ length: CONCURRENCY }, (_, n) => begin(n));
      end(begin(1_000), outcome);
      for (const call of failing) end(call, 'unavailable');
    }
    expect(states).to.deep.equal([]);
  });

  it('stays closed when messages fail that failed over from another account', () => {
    for (let n = 1; n <= 100; n++) fail(n, { attempt: 2, failedOver: true });
    expect(states).to.deep.equal([]);
  });

  it('does not count a call that was not made, or was aborted by a stop', () => {
    for (let n = 1; n <= 100; n++) end(begin(n), null);
    expect(states).to.deep.equal([]);
  });

  it('probes with a new message after a second, also while another probe hangs', () => {
    open();
    expect(breaker.retryInMs(now)).to.equal(1_000);
    now += 1_000;
    expect(freeSlots()).to.deep.equal({ calls: 1, retries: 1 });
    const hanging = begin(10);
    expect(hanging.probing).to.equal(true);
    expect(freeSlots()).to.deep.equal({ calls: 0, retries: 0 });
    now += 1_000;
    expect(freeSlots().calls).to.equal(1);
    end(begin(11), 'accepted');
    expect(states).to.deep.equal(['open', 'half_open', 'closed']);
    end(hanging, 'unknown');
    expect(breaker.state).to.equal('closed');
  });

  it('probes with new messages every second, even if many retries fail', () => {
    open();
    for (let n = 0; n < 10; n++) {
      now += breaker.retryInMs(now);
      if (freeSlots().retries > 0) fail(1, { attempt: 5 });
    }
    expect(freeSlots().calls).to.equal(1);
    const retryIn = breaker.retryInMs(now);
    expect(retryIn, 'the next retry').to.be.greaterThan(8_000);
    for (let n = 0; n < 20; n++) {
      expect(freeSlots(), String(n)).to.deep.equal({ calls: 1, retries: freeSlots().retries });
      fail(100 + n);
      expect(freeSlots().calls).to.equal(0);
      now += 1_000;
    }
  });

  it('probes with the next retry at once after a look-up that was answered without a result', () => {
    open();
    now += 1_000;
    for (let n = 1; n <= 10; n++) {
      fail(n, { attempt: 2 });
      now += 60_000;
    }
    end(begin(1, { attempt: 2 }), 'answered');
    expect(breaker.state, 'sends may still fail').to.equal('open');
    expect(freeSlots()).to.deep.equal({ calls: 1, retries: 1 });
    fail(2, { attempt: 2 });
    expect(freeSlots().retries).to.equal(0);
    now += 2_000;
    expect(freeSlots().retries, 'the intervals grow again from the first').to.equal(1);
  });

  it('probes with new messages every 10 s and with retries every 60 s in a long outage', () => {
    open();
    const calls = { first: 0, retry: 0 };
    const HOUR = 3_600_000;
    for (const until = now + HOUR; now < until; now += breaker.retryInMs(now)) {
      if (freeSlots().calls === 0) continue;
      calls.first++;
      fail(1_000 + calls.first);
    }
    expect(calls.first).to.be.within(HOUR / 10_000, HOUR / 10_000 + 40);
    for (const until = now + HOUR; now < until; now += 500) {
      if (freeSlots().retries === 0) continue;
      calls.retry++;
      fail(1, { attempt: 9 });
    }
    expect(calls.retry).to.be.within(HOUR / 60_000 - 1, HOUR / 60_000 + 10);
  });

  describe('while the breaker of another provider of the channel is closed', () => {
    let hasAlternative: boolean;
    beforeEach(() => {
      hasAlternative = true;
      breaker = new Breaker({
        provider: { name: 'text-co' } as Provider,
        concurrency: CONCURRENCY,
        random: () => 0,
        onChange: (state) => states.push(state),
        hasAlternative: () => hasAlternative,
      });
      open();
    });

    const probe = (attempt: number) => {
      now += breaker.retryInMs(now);
      const { first } = breaker.order(now);
      expect(freeSlots()).to.deep.equal({ calls: 1, retries: 1 });
      fail(1_000 + now, { attempt });
      return first;
    };

    it('probes one message at a time, at intervals that grow to 60 s, with new messages too', () => {
      const start = now;
      for (let n = 0; n < 10; n++) probe(1);
      expect(now - start).to.equal((1 + 1 + 2 + 4 + 8 + 16 + 32 + 3 * 60) * 1_000);
      now += 60_000;
      begin(1);
      now += 120_000;
      expect(freeSlots(), 'while a probe hangs').to.deep.equal({ calls: 0, retries: 0 });
    });

    it('prefers messages that wait for this provider as probes, except every fourth time', () => {
      expect(Array.from({ length: 8 }, () => probe(2))).to.deep.equal([
        ...['retry', 'retry', 'retry', 'new'],
        ...['retry', 'retry', 'retry', 'new'],
      ]);
    });

    it('probes with new messages every second again when no other provider is available', () => {
      for (let n = 0; n < 10; n++) probe(1);
      hasAlternative = false;
      expect(breaker.order(now).first).to.equal('new');
      for (let n = 0; n < 10; n++) {
        expect(freeSlots().calls, String(n)).to.equal(1);
        fail(1);
        now += 1_000;
      }
    });
  });

  it('takes the oldest and the newest messages in turn while calls fail, hang or are throttled', () => {
    const orders = () =>
      Array.from({ length: 4 }, () => {
        breaker.claimed();
        return breaker.order(now).newestFirst;
      });
    expect(orders(), 'without failures').to.deep.equal([false, false, false, false]);
    const alternate = [true, false, true, false];
    fail(1);
    expect(orders(), 'after a failure').to.deep.equal(alternate);
    end(begin(2), 'throttled');
    expect(orders(), 'while throttled').to.deep.equal(alternate);
    end(begin(2), 'accepted');
    expect(orders(), 'after a success').to.deep.equal([false, false, false, false]);
    begin(3);
    now += 1_000;
    expect(orders(), 'while a call hangs').to.deep.equal(alternate);
  });

  it('begins two calls at a time after it closed, one of them a retry, and doubles with each round', () => {
    open();
    now += 1_000;
    end(begin(10), 'accepted');
    const rounds = [];
    for (let n = 0; n < 4; n++) {
      rounds.push(freeSlots());
      const calls = Array.from({ length: freeSlots().calls }, (_, index) => begin(100 + index));
      for (const call of calls) end(call, 'accepted');
    }
    expect(rounds.map(({ calls }) => calls)).to.deep.equal([2, 4, 8, 16]);
    expect(rounds.map(({ retries }) => retries)).to.deep.equal([1, 2, 4, 8]);
  });

  it('has free slots again when the calls in its window hang', () => {
    open();
    now += 1_000;
    end(begin(10), 'accepted');
    begin(11);
    begin(12);
    expect(freeSlots().calls).to.equal(0);
    now += 1_000;
    expect(freeSlots()).to.deep.equal({ calls: 2, retries: 1 });
  });

  it('throttles the account once for calls that were in progress together', () => {
    const calls = Array.from({ length: CONCURRENCY }, (_, n) => begin(n));
    for (const call of calls) expect(end(call, 'throttled').throttlesAccount).to.equal(true);
    expect(breaker.throttledInARow).to.equal(1);
    end(begin(100), 'throttled');
    expect(breaker.throttledInARow).to.equal(2);
    expect(breaker.order(now).first).to.equal('new');
    end(begin(101), 'accepted');
    expect([breaker.throttledInARow, breaker.order(now).first]).to.deep.equal([0, null]);
  });

  it('does not throttle the account for recipients that are throttled again, unless a new recipient is throttled in between', () => {
    const throttles = () => [1, 2, 3].map((n) => end(begin(n), 'throttled').throttlesAccount);
    expect(throttles()).to.deep.equal([true, true, true]);
    // Recipient 3 was the last new recipient: no recipient was throttled for the first time after it.
    expect(throttles()).to.deep.equal([true, true, false]);
    expect(throttles()).to.deep.equal([false, false, false]);
    end(begin(4), 'throttled');
    expect(throttles()).to.deep.equal([true, true, true]);
    end(begin(1), 'accepted');
    expect(throttles()).to.deep.equal([true, true, true]);
  });

  it('throttles the account as long as new recipients are throttled', () => {
    for (let n = 1; n <= 100; n++) expect(end(begin(n), 'throttled').throttlesAccount).to.equal(true);
    expect(breaker.throttledInARow).to.equal(100);
  });
});

const TIMEOUT_MS = 10_000;
/** Behaviours that count as failures of the provider. */
const FAILING: Behaviour[] = ['no_id', 'hangs', 'resets', 'fails', 'no_credit'];
const BAD: Behaviour[] = [...FAILING, 'refused'];

describe('The worker, under a simulated clock', function () {
  this.timeout(120_000);

  const arrival = fc.oneof(
    fc.constant(0),
    fc.integer({ min: 0, max: 2_000 }),
    fc.integer({ min: 0, max: 60_000 }),
  );
  const recipients = fc.record({
    bad: fc.array(fc.record({ behaviour: fc.constantFrom(...BAD), arrivesAt: arrival }), { maxLength: 300 }),
    throttled: fc.array(fc.record({ behaviour: fc.constant<Behaviour>('throttled'), arrivesAt: arrival }), {
      maxLength: 5,
    }),
    good: fc.array(fc.record({ behaviour: fc.constant<Behaviour>('good'), arrivesAt: arrival }), {
      minLength: 1,
      maxLength: 60,
    }),
    goodArriveLater: fc.boolean(),
    concurrency: fc.constantFrom(2, 4, 8, 24, 64),
    providers: fc.integer({ min: 1, max: 3 }),
    seed: fc.nat(1_000_000),
  });
  const numbered = (messages: Omit<ModelMessage, 'id'>[]): ModelMessage[] =>
    messages.map((message, n) => ({ ...message, id: n + 1 }));
  const waits = (messages: ModelMessage[], { sentAt }: ModelResult) =>
    messages
      .filter(({ behaviour }) => behaviour === 'good')
      .map(({ id, arrivesAt }) => (sentAt.get(id) ?? Number.POSITIVE_INFINITY) - arrivesAt);

  it('delays good messages by a limited time for each bad recipient, in any mix and order', () => {
    fc.assert(
      fc.property(recipients, ({ bad, throttled, good, goodArriveLater, concurrency, providers, seed }) => {
        const late = goodArriveLater ? 20_000 : 0;
        const messages = numbered([
          ...bad,
          ...throttled,
          ...good.map((message) => ({ ...message, arrivesAt: message.arrivesAt + late })),
        ]);
        const result = runModel({
          ...{ messages, concurrency, providers, seed, timeoutMs: TIMEOUT_MS, untilMs: 3_600_000 },
        });
        const hanging = bad.filter(({ behaviour }) => behaviour === 'hangs').length;
        // A second for each bad message that may be a probe, a timeout for each that occupies a call slot, and
        // the pauses of the account, which double while recipients are throttled one after the other.
        const bound =
          15_000 +
          bad.length * 1_000 +
          Math.ceil(hanging / (concurrency / 2)) * TIMEOUT_MS +
          throttled.length * 20_000;
        expect(Math.max(...waits(messages, result))).to.be.at.most(bound);
      }),
      { numRuns: 40 * RUNS },
    );
  });

  it('sends good messages within a minute, with any number of bad recipients before or after them', () => {
    const crowd = fc.record({
      bad: fc.array(fc.constantFrom(...FAILING), { minLength: 50, maxLength: 300 }),
      good: fc.integer({ min: 1, max: 30 }),
      goodArriveLater: fc.boolean(),
      concurrency: fc.constantFrom(16, 64),
      seed: fc.nat(1_000_000),
    });
    fc.assert(
      fc.property(crowd, ({ bad, good, goodArriveLater, concurrency, seed }) => {
        const messages = numbered([
          ...bad.map((behaviour, n) => ({ behaviour, arrivesAt: n })),
          ...Array.from({ length: good }, (_, n) => ({
            behaviour: 'good' as const,
            arrivesAt: goodArriveLater ? 1_000 + n : 0,
          })),
        ]);
        const options = { concurrency, providers: 1, timeoutMs: TIMEOUT_MS, untilMs: 3_600_000 };
        expect(Math.max(...waits(messages, runModel({ ...options, messages, seed })))).to.be.at.most(60_000);
      }),
      { numRuns: 8 * RUNS },
    );
  });

  it('delays few messages in an outage of one provider while another is available', () => {
    const outage = fc.record({
      as: fc.constantFrom(...FAILING),
      minutes: fc.integer({ min: 1, max: 20 }),
      concurrency: fc.constantFrom(4, 16, 64),
      seed: fc.nat(1_000_000),
    });
    fc.assert(
      fc.property(outage, ({ as, minutes, concurrency, seed }) => {
        const length = minutes * 60_000;
        const messages = numbered(
          Array.from({ length: minutes * 60 }, (_, n) => ({
            behaviour: 'good' as const,
            arrivesAt: n * 1_000,
          })),
        );
        const result = runModel({
          ...{ messages, concurrency, providers: 2, timeoutMs: TIMEOUT_MS, seed },
          ...{ outage: { from: 0, to: length, as }, untilMs: length + 7_200_000 },
        });
        const delayed = waits(messages, result).filter((ms) => ms > 2 * TIMEOUT_MS);
        // The messages of the first timeout, until the breaker opens, and an occasional new message as a probe.
        expect(delayed.length).to.be.at.most(5 + TIMEOUT_MS / 1_000 + 5 + minutes / 2);
        expect(result.sentAt.size, 'all are sent').to.equal(messages.length);
      }),
      { numRuns: 5 * RUNS },
    );
  });

  it('keeps the breaker of at least one provider closed while recipients fail at every provider', () => {
    const burst = fc.record({
      bad: fc.array(fc.constantFrom(...BAD), { minLength: 1, maxLength: 300 }),
      good: fc.integer({ min: 1, max: 60 }),
      seed: fc.nat(1_000_000),
    });
    fc.assert(
      fc.property(burst, ({ bad, good, seed }) => {
        const all = [...bad, ...Array<'good'>(good).fill('good')];
        const messages = numbered(all.map((behaviour) => ({ behaviour, arrivesAt: 0 })));
        const options = { concurrency: 64, providers: 2, timeoutMs: TIMEOUT_MS, untilMs: 600_000 };
        const { calls } = runModel({ ...options, messages, seed });
        for (const { states, at } of calls) expect(states, `at ${at} ms`).to.include('closed');
      }),
      {
        numRuns: 16 * RUNS,
        examples: [
          [{ bad: [...Array<'no_credit'>(4).fill('no_credit'), 'fails', 'no_id'], good: 1, seed: 0 }],
        ],
      },
    );
  });

  it('makes few calls in an outage, and detects the end of the outage within a minute', () => {
    const outage = fc.record({
      as: fc.constantFrom(...FAILING),
      minutes: fc.integer({ min: 1, max: 30 }),
      backlog: fc.integer({ min: 20, max: 300 }),
      seed: fc.nat(1_000_000),
    });
    fc.assert(
      fc.property(outage, ({ as, minutes, backlog, seed }) => {
        const length = minutes * 60_000;
        const messages = numbered(
          Array.from({ length: backlog }, (_, n) => ({
            behaviour: 'good' as const,
            arrivesAt: Math.floor((n / backlog) * length),
          })),
        );
        const concurrency = 16;
        const { calls, sentAt } = runModel({
          ...{ messages, concurrency, providers: 1, timeoutMs: TIMEOUT_MS, seed },
          ...{ outage: { from: 0, to: length, as }, untilMs: length + 3_600_000 },
        });
        const during = calls.filter(({ at }) => at < length).length;
        expect(during).to.be.at.most(2 * concurrency + 60 + length / 5_000);
        const first = Math.min(...sentAt.values());
        expect(first - length).to.be.at.most(60_000 + TIMEOUT_MS);
        expect(sentAt.size, 'all are sent').to.equal(backlog);
      }),
      { numRuns: 8 * RUNS },
    );
  });
});
