import { expect } from 'chai';
import { check, timeline, toTable } from './checker/check.ts';
import {
  type AcceptedMessage,
  type Call,
  type ChaosEvent,
  type Evidence,
  type Sent,
  type StoredAttempt,
  type StoredMessage,
  type StoredReceipt,
  tokenIn,
} from './checker/evidence.ts';
import { PLAN, runWorkload, violatedRules } from './recorded-run.ts';

describe('The checker of chaos runs', function () {
  this.timeout(60_000);
  let recorded: Evidence;
  let uncertain: Evidence;
  let evidence: Evidence;
  before(async () => {
    const lost = (times: number) =>
      ['sms', 'email'].map((channel) => ({ channel, type: 'lost_response', times }));
    recorded = await runWorkload({ sms: 'keys', email: 'keys' }, {}, lost(2));
    const neither = Object.fromEntries(
      ['TEXT_CO', 'MAIL_CO'].flatMap((name) => [
        [`${name}_IDEMPOTENCY_KEYS`, 'false'],
        [`${name}_CAN_LOOK_UP`, 'false'],
      ]),
    );
    uncertain = await runWorkload({ sms: 'neither', email: 'neither' }, neither, lost(2));
  });
  beforeEach(() => {
    evidence = structuredClone(recorded);
  });

  const storedAs = (token: string, of = evidence) =>
    of.stored.messages.find(({ body }) => tokenIn(body) === token) as StoredMessage;
  const acceptedAs = (token: string, of = evidence) =>
    of.accepted.find(({ request }) => tokenIn(request.body) === token) as AcceptedMessage;
  const sentAs = (token: string, of = evidence) => of.sent.find((one) => one.token === token) as Sent;
  const remove = <T>(list: T[], item: T) => void list.splice(list.indexOf(item), 1);
  const expectViolated = (rules: string[], of = evidence) =>
    expect(violatedRules(of), toTable(check(of))).to.deep.equal(rules);

  it('finds no violations in a run without disruptions, and applies each other rule to at least one item', () => {
    expectViolated([]);
    expectViolated([], uncertain);
    const unused = check(recorded).rules.filter(({ checked }) => checked === 0);
    expect(unused.map(({ rule }) => rule)).to.deep.equal([
      'failing recipients do not block other recipients',
      'no process exits, except at a start without a database',
      'every inbound email is acknowledged',
      'an acknowledged inbound email is stored once',
      'every stored inbound message was passed on by a mail server',
      'no send begins after a claim that saw the suppression of the recipient',
      'recipients have the statuses that the provider reported',
      'a message is unknown only for a reason',
    ]);
    expect(check(recorded).unknown).to.deep.equal([]);
    expect(check(uncertain).unknown).to.have.length(4);
    expect(recorded.stored.messages.map(({ status }) => status)).to.include.members([
      ...['delivered', 'undelivered', 'failed'],
    ]);
  });

  it('lists the calls, attempts and status changes of a message', () => {
    const lost = recorded.calls.filter(({ fault }) => fault === 'lost_response');
    // The lost response of a call may also have been a refusal.
    const message = recorded.stored.messages.find(
      ({ delivery_key, provider_message_id }) =>
        provider_message_id !== null && lost.some((call) => call.idempotency_key === delivery_key),
    );
    const text = timeline(recorded, tokenIn(message?.body) ?? '').join('\n');
    expect(text)
      .to.match(/accepted as (sms|eml)_/)
      .and.to.contain('no response, fault lost_response');
    expect(text).to.contain('status queued → sending').and.to.contain('accepted');
  });

  /** Changes of the evidence of a run, and the rules that each change violates. */
  const CHANGES: Record<string, [() => void, ...string[]]> = {
    'an acknowledged message that is not in the database': [
      () => {
        const stored = storedAs('0-1');
        remove(evidence.stored.messages, stored);
        const conversation = evidence.stored.conversations.find(({ id }) => id === stored.conversation_id);
        if (conversation) conversation.message_count--;
      },
      'an acknowledged message is stored once, under the acknowledged id',
      'every call carries the delivery key of its message',
      'every acknowledged receipt is stored once, with its message',
    ],
    'an acknowledged message that the provider did not accept': [
      () => {
        const accepted = acceptedAs('1-1');
        remove(evidence.accepted, accepted);
      },
      'the provider accepts every acknowledged message',
      'statuses agree with the provider',
      'every stored receipt was sent by a provider',
    ],
    'a message that the provider accepted twice': [
      () => {
        const again = { ...acceptedAs('2-0'), id: 'sms_again', sequence: 1_000, receipts: [] };
        evidence.accepted.push(again);
      },
      'the provider accepts no message twice',
    ],
    'two messages of a conversation that the provider accepted in the wrong order': [
      () => {
        const [first, second] = [acceptedAs('3-0'), acceptedAs('3-1')];
        [first.sequence, second.sequence] = [second.sequence, first.sequence];
      },
      'the provider accepts messages in the order of their conversation',
    ],
    'a send after a claim that saw the suppression of the recipient': [
      () => {
        const { id, delivery_key } = storedAs('0-1');
        const call = evidence.calls.find((one) => one.idempotency_key === delivery_key) as Call;
        evidence.stored.claims_after_stop.push({ message_id: id, at: call.at - 1 });
      },
      'no send begins after a claim that saw the suppression of the recipient',
    ],
    'a message that is stored twice': [
      () => {
        const stored = storedAs('0-2');
        evidence.stored.messages.push({
          ...stored,
          id: 1_000,
          idempotency_key: null,
          attempt_count: 0,
          provider_message_id: null,
          status: 'failed',
        });
        const conversation = evidence.stored.conversations.find(({ id }) => id === stored.conversation_id);
        if (conversation) conversation.message_count++;
      },
      'an acknowledged message is stored once, under the acknowledged id',
      'every stored message was sent by a client',
      'statuses agree with the provider',
    ],
    'a message that is delivered, although its provider reported undelivered': [
      () => {
        const wrong = evidence.stored.messages.find(
          ({ status }) => status === 'undelivered',
        ) as StoredMessage;
        wrong.status = 'delivered';
        const last = evidence.stored.changes.filter(({ message_id }) => message_id === wrong.id).at(-1);
        if (last) last.new = 'delivered';
      },
      'statuses agree with the provider',
    ],
    'a message that is failed, although the provider accepted it': [
      () => void Object.assign(storedAs('1-0'), { status: 'failed', error: { code: 'gone', detail: '' } }),
      'statuses agree with the provider',
      'no status moves backward',
    ],
    'a message that is failed, although the provider did not refuse it': [
      () => {
        sentAs('6-0').refused = false;
      },
      'the provider accepts every acknowledged message',
      'statuses agree with the provider',
    ],
    'a message that is never settled': [
      () => void Object.assign(storedAs('0-2'), { status: 'sending', due: true }),
      'every message is settled',
      'no status moves backward',
    ],
    'a message that is unknown, although its provider supports idempotency keys': [
      () => {
        const stored = storedAs('4-0');
        stored.status = 'unknown';
        evidence.stored.changes = evidence.stored.changes.filter(
          ({ message_id }) => message_id !== stored.id,
        );
        const attempt = evidence.stored.attempts.find(({ message_id }) => message_id === stored.id);
        evidence.stored.attempts.push({ ...attempt, outcome: 'unknown' } as never);
      },
      'a message is unknown only for a reason',
    ],
    'a status that moved backward': [
      () => {
        const { id } = storedAs('5-0');
        const all = evidence.stored.changes.filter(({ message_id }) => message_id === id);
        const end = all.at(-1) as (typeof all)[number];
        evidence.stored.changes.push({ ...end, old: end.new, new: 'sent' }, { ...end, old: 'sent' });
      },
      'no status moves backward',
    ],
    'a stored message that differs from its request': [
      () => void Object.assign(storedAs('2-1'), { subject: 'Another one' }),
      'a stored message equals its request',
    ],
    'an accepted message that differs from its request': [
      () => {
        acceptedAs('2-1').request.attachments = ['https://example.com/other.pdf'];
      },
      'an accepted message equals its request',
    ],
    'an accepted message that no client sent': [
      () =>
        void evidence.accepted.push({
          ...acceptedAs('0-0'),
          id: 'sms_other',
          request: { body: 'Hello' },
          receipts: [],
        }),
      'every accepted message was sent by a client',
      'every call carries the delivery key of its message',
    ],
    'a call with the key of no message': [
      () => {
        const call = evidence.calls[0];
        if (call) evidence.calls.push({ ...call, idempotency_key: 'other' });
      },
      'every call carries the delivery key of its message',
    ],
    'a receipt that was acknowledged and is not stored': [
      () => void evidence.stored.receipts.pop(),
      'every acknowledged receipt is stored once, with its message',
    ],
    'a receipt that is stored twice': [
      () => void evidence.stored.receipts.push(evidence.stored.receipts[0] as StoredReceipt),
      'every acknowledged receipt is stored once, with its message',
    ],
    'a receipt that no provider sent': [
      () =>
        void evidence.stored.receipts.push({
          message_id: null,
          provider_message_id: 'sms_0',
          status: 'sent',
          received_at: 0,
        }),
      'every stored receipt was sent by a provider',
    ],
    'an attempt that is missing': [
      () => {
        const { id } = storedAs('0-0');
        const attempt = evidence.stored.attempts.find(({ message_id }) => message_id === id);
        if (attempt) remove(evidence.stored.attempts, attempt);
      },
      'the attempts of each message are complete',
    ],
    'a conversation with a wrong message_count': [
      () => void Object.assign(evidence.stored.conversations[0] as object, { message_count: 7 }),
      'message_count equals the number of messages',
    ],
    'a conversation with other participants': [
      () => void evidence.stored.conversations[0]?.addresses.pop(),
      'each set of participants has one conversation',
    ],
    'a message in another conversation': [
      () => {
        storedAs('0-0').conversation_id = storedAs('1-0').conversation_id;
      },
      'each set of participants has one conversation',
      'message_count equals the number of messages',
    ],
    'a repeated request that returned another message': [
      () =>
        void sentAs('0-0').acknowledgements.push({
          id: 999,
          conversation_id: storedAs('0-0').conversation_id,
        }),
      'a repeated key returns the first message',
    ],
    'two requests that returned the same message': [
      () => {
        sentAs('0-0').acknowledgements = sentAs('1-0').acknowledgements;
      },
      'different keys create different messages',
      'an acknowledged message is stored once, under the acknowledged id',
      'each set of participants has one conversation',
    ],
    'a message that was never acknowledged': [
      () => {
        sentAs('0-2').acknowledgements = [];
      },
      'every message is acknowledged',
    ],
    'a response other than 202 and 503': [
      () => void sentAs('0-0').unexpected.push('500 internal_error'),
      'every response is 202 or 503',
    ],
    'a process that exited': [
      () =>
        void evidence.events.push({
          at: 1,
          kind: 'process exited',
          detail: 'worker-1: exit 1: Node.js v24',
        }),
      'no process exits, except at a start without a database',
    ],
    'a run without the planned kill of a worker': [
      () => {
        evidence.plan.workerKills = 1;
      },
      'the run has all planned disruptions',
    ],
    'a run in which failing recipients blocked other recipients': [
      () => {
        sentAs('0-0').failing = 'hang';
      },
      'failing recipients do not block other recipients',
    ],
    'a message to a failing recipient that is failed, although the provider accepted it': [
      () => {
        Object.assign(storedAs('1-0'), { status: 'failed', error: { code: 'expired', detail: '' } });
        sentAs('1-0').failing = 'hang';
        evidence.events.push({ at: 1, kind: 'all others settled', detail: '' });
      },
      'statuses agree with the provider',
      'no status moves backward',
    ],
    'a run that was not idle at its time limit': [
      () => {
        evidence.idle = false;
      },
      'the run becomes idle within its time limit',
    ],
  };

  for (const [violation, [change, ...rules]] of Object.entries(CHANGES)) {
    it(`finds ${violation}`, () => {
      change();
      const found = violatedRules(evidence);
      expect(found, toTable(check(evidence))).to.include.members(rules);
      expect(found.filter((rule) => !rules.includes(rule))).to.deep.equal([]);
    });
  }

  it('finds each planned disruption that did not happen', () => {
    const { outageMs, ...minimums } = PLAN;
    for (const disruption of Object.keys(minimums)) {
      evidence.plan = { ...PLAN, [disruption]: 1 };
      expectViolated(['the run has all planned disruptions']);
    }
  });

  it('counts an outage only if it lasted and had calls, and a kill during the drain only if messages were pending', () => {
    const failed = evidence.calls.findLast(({ fault }) => fault === 'lost_response') as Call;
    const settled = evidence.stored.changes.findLast(({ old }) => old === 'sending')?.at ?? 0;
    const down = { at: failed.at, kind: 'provider down', detail: failed.channel } as const;
    const up = { at: failed.at + PLAN.outageMs, kind: 'provider up', detail: failed.channel } as const;
    const killed = { at: settled - 1, kind: 'worker killed', detail: 'worker-1' } as const;
    const acknowledged = { at: settled - 2, kind: 'all acknowledged', detail: '' } as const;
    const expectCounts = (events: ChaosEvent[], counts: object) => {
      evidence.events = events;
      const counted = Object.fromEntries(check(evidence).coverage.map(({ name, actual }) => [name, actual]));
      expect(counted).to.include(counts);
    };
    const outages = `provider outages of ${PLAN.outageMs / 1_000} s with calls`;
    expectCounts([down, up], { [outages]: 1 });
    expectCounts([down, { ...up, at: up.at - 1 }], { [outages]: 0 });
    expectCounts(
      [
        { ...down, at: failed.at + 1 },
        { ...up, at: up.at + 1 },
      ],
      { [outages]: 0 },
    );
    const drain = 'workers killed while the backlog drained';
    expectCounts([acknowledged, killed], { 'workers killed': 1, [drain]: 1 });
    expectCounts([killed], { 'workers killed': 1, [drain]: 0 });
    expectCounts([acknowledged, { ...killed, at: settled + 1 }], { 'workers killed': 1, [drain]: 0 });
  });

  it('finds a message that is unknown without a reason, and an unknown message that was accepted twice', () => {
    // The lost response of a call may also have been a refusal.
    const unknown = check(uncertain).unknown.find((token) => acceptedAs(token, uncertain));
    evidence = structuredClone(uncertain);
    const { delivery_key } = storedAs(unknown ?? '');
    evidence.calls = evidence.calls.map((call) =>
      call.idempotency_key === delivery_key ? { ...call, fault: null, status: 202 } : call,
    );
    expectViolated(['a message is unknown only for a reason']);
    evidence = structuredClone(uncertain);
    evidence.accepted.push({ ...acceptedAs(unknown ?? ''), id: 'sms_again', receipts: [] });
    expectViolated(['the provider accepts no message twice']);
  });

  it('allows an attempt worker_lost only if its worker was killed', () => {
    const stored = storedAs('0-0');
    const attempt = evidence.stored.attempts.find(
      ({ message_id }) => message_id === stored.id,
    ) as StoredAttempt;
    evidence.stored.attempts.push({
      ...{ ...attempt, number: ++stored.attempt_count, duration_ms: null },
      ...{ outcome: 'unknown', code: 'worker_lost', provider_message_id: null },
    });
    expectViolated(['the attempts of each message are complete']);
    const claimed = evidence.stored.changes.find(({ message_id }) => message_id === stored.id);
    evidence.events.push({ at: claimed?.at ?? 0, kind: 'worker killed', detail: 'worker-1' });
    expectViolated([]);
  });
});
