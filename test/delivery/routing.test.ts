import { expect } from 'chai';
import fc from 'fast-check';
import { Breaker } from '../../src/delivery/accounts/breaker.ts';
import { hasAlternative, routesOf } from '../../src/delivery/accounts/routing.ts';
import type { Capabilities } from '../../src/providers/capabilities.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { standardCapabilities } from '../../src/providers/standard/capabilities.ts';
import type { StandardSettings } from '../../src/providers/standard/config.ts';
import { type Behaviour, type ModelMessage, runModel } from './worker-model.ts';

const ACCOUNTS = ['p1', 'p2', 'p3'];
const TIMEOUT_MS = 10_000;
const SETTINGS = { supportsIdempotencyKeys: true, canLookUp: false } as StandardSettings;

/** A breaker in the closed state, or opened by failures of five recipients. */
function breaker(
  name: string,
  isOpen: boolean,
  senders: string[] | null = null,
  capabilities: Partial<Capabilities> = {},
): Breaker {
  const all = { ...standardCapabilities('sms', SETTINGS), ...capabilities };
  const created = new Breaker({
    provider: { name, senders: senders && new Set(senders), capabilities: all } as Provider,
    concurrency: 16,
    onChange: () => undefined,
  });
  for (let n = 0; isOpen && n < 5; n++)
    created.end(created.begin({ to: [`+${n}`], attempt_count: 1 }, false), 'unavailable');
  return created;
}

/** More runs find rarer sequences: `make soak`. */
const RUNS = Number(process.env.MODEL_RUNS ?? 15);

describe('The routes of a channel', () => {
  const shared = (...open: boolean[]) =>
    routesOf(
      'sms',
      open.map((isOpen, n) => breaker(`p${n + 1}`, isOpen)),
    )
      .filter(({ reassignable }) => reassignable)
      .map(({ breaker, assignedTo, preferred }) => `${breaker.provider.name}<${assignedTo}(${preferred})`);

  it('lead unassigned messages to the first account while all accounts are available', () => {
    expect(shared(false, false, false)).to.deep.equal(['p1<()']);
  });

  it('lead messages of an unavailable account to each other account, unless a preferred account can send them', () => {
    expect(shared(true, false, false)).to.deep.equal(['p1<()', 'p2<()', 'p2<p1()', 'p3<p1(p2)']);
    expect(shared(false, true, false)).to.deep.equal(['p1<()', 'p1<p2()', 'p3<p2(p1)']);
  });

  it('lead messages to every account as probes while all accounts are unavailable', () => {
    expect(shared(true, true)).to.deep.equal(['p1<()', 'p1<p2()', 'p2<()', 'p2<p1()']);
  });
});

describe('The alternative to an unavailable account', () => {
  const has = (own: string[] | null, other: string[] | null, isOpen = false) => {
    const unavailable = breaker('p1', true, own);
    return hasAlternative([unavailable, breaker('p2', isOpen, other)], unavailable.provider);
  };

  it('is an available account with all of its senders', () => {
    expect(has(null, null)).to.equal(true);
    expect(has(['+1', '+2'], null)).to.equal(true);
    expect(has(['+1'], ['+2', '+1'])).to.equal(true);
    expect(has(['a@example.com'], ['example.com'])).to.equal(true);
    expect(has(null, null, true), 'an unavailable account').to.equal(false);
  });

  it('can be several available accounts that have all of its senders together', () => {
    const unavailable = breaker('p1', true, ['+1', '+2']);
    const others = [breaker('p2', false, ['+1']), breaker('p3', false, ['+2'])];
    expect(hasAlternative([unavailable, ...others], unavailable.provider)).to.equal(true);
    expect(hasAlternative([unavailable, others[0] as Breaker], unavailable.provider)).to.equal(false);
  });

  for (const lacked of [
    { mms: false },
    { maxRecipients: 1 },
    { maxTextLength: 1_600 },
    { maxSegments: 10 },
    { maxAttachments: 10 },
    { maxMediaBytes: 5_000_000 },
    { mediaTypes: new Map([['image/png', 5_000_000]]) },
    { attachmentsBy: [] },
  ] satisfies Partial<Capabilities>[])
    it(`is not an account with less capabilities: ${Object.keys(lacked)}`, () => {
      const able = breaker('p1', true, ['+1']);
      const limited = breaker('p2', false, null, lacked);
      expect(hasAlternative([able, limited], able.provider)).to.equal(false);
      expect(hasAlternative([able, limited, breaker('p3', false, ['+2'])], able.provider)).to.equal(false);
      expect(hasAlternative([able, limited, breaker('p3', false, ['+1'])], able.provider)).to.equal(true);
      const open = breaker('p2', true, ['+1'], lacked);
      expect(hasAlternative([open, breaker('p1', false)], open.provider)).to.equal(true);
    });

  it('is not an account without one of its senders, for whose messages it must be probed', () => {
    expect(has(null, ['+1'])).to.equal(false);
    expect(has(['+1', '+2'], ['+1'])).to.equal(false);
    expect(has(['example.com'], ['a@example.com'])).to.equal(false);
  });
});

describe('A worker whose accounts have different senders', () => {
  const accounts = fc.subarray(ACCOUNTS, { minLength: 1 });
  const failure = fc.constantFrom<Behaviour>('no_id', 'hangs', 'resets', 'fails', 'no_credit');
  const outage = fc.record({
    lists: fc.array(accounts, { minLength: 1, maxLength: 4 }),
    as: failure,
    minutes: fc.integer({ min: 1, max: 10 }),
    seed: fc.nat(1_000_000),
  });
  /** A message per second, with one of the lists of accounts in turn. */
  const messagesFor = (lists: string[][], minutes: number): ModelMessage[] =>
    Array.from({ length: minutes * 60 }, (_, n) => ({
      ...{ id: n + 1, behaviour: 'good', arrivesAt: n * 1_000 },
      accounts: lists[n % lists.length] as string[],
    }));
  const run = (messages: ModelMessage[], minutes: number, as: Behaviour, seed: number) =>
    runModel({
      ...{ messages, concurrency: 16, providers: ACCOUNTS.length, timeoutMs: TIMEOUT_MS, seed },
      ...{ outage: { from: 0, to: minutes * 60_000, as }, untilMs: minutes * 60_000 + 3_600_000 },
    });

  it('sends each message through one of its accounts only, and all messages in spite of an outage', () => {
    fc.assert(
      fc.property(outage, ({ lists, as, minutes, seed }) => {
        const messages = messagesFor(lists, minutes);
        const { calls, sentAt } = run(messages, minutes, as, seed);
        for (const { message, provider } of calls)
          expect(messages[message - 1]?.accounts, `the accounts of message ${message}`).to.include(provider);
        expect(sentAt.size, 'all are sent').to.equal(messages.length);
      }),
      { numRuns: RUNS },
    );
  });

  it('does not delay the messages that the unavailable account cannot send', () => {
    fc.assert(
      fc.property(outage, ({ lists, as, minutes, seed }) => {
        const messages = messagesFor([...lists, ['p2'], ['p3', 'p2']], minutes);
        const { sentAt } = run(messages, minutes, as, seed);
        const others = messages.filter((message) => !message.accounts?.includes('p1'));
        for (const { id, arrivesAt } of others)
          expect((sentAt.get(id) ?? Number.POSITIVE_INFINITY) - arrivesAt, `message ${id}`).to.be.at.most(
            TIMEOUT_MS,
          );
      }),
      { numRuns: RUNS },
    );
  });

  it('detects the end of the outage within 20 seconds if messages wait that only this account can send', () => {
    fc.assert(
      fc.property(failure, fc.integer({ min: 1, max: 10 }), fc.nat(1_000_000), (as, minutes, seed) => {
        const messages = messagesFor([['p1'], ['p1', 'p3']], minutes);
        const { sentAt } = run(messages, minutes, as, seed);
        const first = Math.min(
          ...messages.filter(({ accounts }) => accounts?.length === 1).map(({ id }) => sentAt.get(id) ?? 0),
        );
        expect(first - minutes * 60_000, 'the probe after the outage').to.be.at.most(20_000);
      }),
      { numRuns: RUNS },
    );
  });
});
