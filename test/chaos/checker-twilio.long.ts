import { expect } from 'chai';
import { check } from './checker/check.ts';
import {
  type AcceptedMessage,
  type Call,
  type Evidence,
  type StoredAttempt,
  type StoredMessage,
  tokenIn,
} from './checker/evidence.ts';
import { PLAN, runWorkload, violatedRules } from './recorded-run.ts';

const UNKNOWN = 'a message is unknown only for a reason';

describe('The checker of chaos runs with Twilio', function () {
  this.timeout(60_000);
  let recorded: Evidence;
  let evidence: Evidence;
  before(async () => {
    const faults = [
      { type: 'status', status: 500, accepted: true, times: 2 },
      { type: 'lost_response', times: 2 },
      // Not accepted, and no callback can tell.
      { type: 'reset', times: 2 },
    ].map((fault) => ({ channel: 'sms', ...fault }));
    const settings = {
      receipts: { early_rate: 0.5 },
      twilio: { unknown_fields: true, unknown_status: true },
    };
    recorded = await runWorkload({ sms: 'twilio' }, {}, faults, settings, 2_000);
    recorded.events.push({ at: 0, kind: 'all others settled', detail: '' });
  });
  beforeEach(() => {
    evidence = structuredClone(recorded);
  });

  const acceptedOf = ({ body }: StoredMessage) =>
    evidence.accepted.find(({ request }) => tokenIn(request.body) === tokenIn(body)) as AcceptedMessage;
  const attemptsOf = ({ id }: StoredMessage) =>
    evidence.stored.attempts.filter(({ message_id }) => message_id === id);
  const unknown = () =>
    evidence.stored.messages.find(
      ({ status, to }) => status === 'unknown' && !to[0]?.endsWith('0000009'),
    ) as StoredMessage;
  /** A message with one attempt, which Twilio accepted. */
  const settled = () =>
    evidence.stored.messages.find(
      (message) => message.status === 'delivered' && attemptsOf(message)[0]?.outcome === 'accepted',
    ) as StoredMessage;
  /** The calls that were accepted, and whose response was lost. */
  const unanswered = () =>
    evidence.calls.filter(({ status, message_id }) => status !== 201 && message_id !== null);
  const violationsOf = (name: string) => check(evidence).rules.find(({ rule }) => rule === name)?.violations;
  const count = (name: RegExp) => check(evidence).coverage.find((one) => name.test(one.name))?.actual;
  const kill = (at: number) => evidence.events.push({ at, kind: 'worker killed', detail: 'worker-1' });

  it('finds no violations in a run without disruptions, in which callbacks reconcile lost responses', () => {
    expect(violatedRules(evidence)).to.deep.equal([]);
    // A refusal can be lost too.
    expect(check(evidence).unknown).to.have.length.within(2, 4);
    // One of the four may have been a call for a recipient whom Twilio refuses.
    expect(unanswered()).to.have.length.at.least(3);
    expect(evidence.accepted.length).to.be.greaterThan(15);
  });

  it('finds a second acceptance of a message', () => {
    const accepted = acceptedOf(settled());
    evidence.accepted.push({ ...accepted, id: `SM${'0'.repeat(32)}`, sequence: 1_000, receipts: [] });
    expect(violatedRules(evidence)).to.deep.equal(['the provider accepts no message twice']);
  });

  it('finds an unknown message without an uncertain call', () => {
    const { delivery_key } = acceptedOf(settled()) && unknown();
    const calls = evidence.calls.filter(({ fault }) => fault === 'reset');
    expect(calls, delivery_key ?? '').to.have.length(2);
    for (const call of calls) Object.assign(call, { fault: null, status: 429 });
    expect(violatedRules(evidence)).to.deep.equal([UNKNOWN]);
    expect(violationsOf(UNKNOWN)?.[0]).to.match(/each of its calls had a response/);
  });

  /** Makes an unknown message an accepted message at this time. */
  const acceptUnknown = (at: number, acknowledged: number) => {
    const message = unknown();
    const model = evidence.accepted[0] as AcceptedMessage;
    evidence.accepted.push({
      ...{ ...model, id: 'SM_forged', idempotency_key: message.delivery_key, sequence: 0 },
      request: { ...model.request, to: message.to[0], body: message.body },
      accepted_at: new Date(at).toISOString(),
      receipts: [{ status: 'sent', acknowledged, failed: 1 }],
    });
    return message;
  };

  it('finds an unknown message whose callback was acknowledged', () => {
    acceptUnknown(Date.now(), 1);
    expect(violationsOf(UNKNOWN)).to.have.length(1);
    expect(violationsOf(UNKNOWN)?.[0]).to.match(/its callback sent was acknowledged/);
  });

  it('finds an unknown message that a look-up could find, after the delay of the list', () => {
    const lookUp = attemptsOf(unknown()).at(-1) as StoredAttempt;
    acceptUnknown(lookUp.started_at - 500, 0);
    expect(violationsOf(UNKNOWN)?.[0]).to.match(/the look-up at .* could find it/);
    evidence.listDelayMs = 60_000;
    expect(violationsOf(UNKNOWN)).to.deep.equal([]);
  });

  it('allows an unknown message that was accepted after the look-up, if no callback was acknowledged', () => {
    const lookUp = attemptsOf(unknown()).at(-1) as StoredAttempt;
    acceptUnknown(lookUp.started_at + (lookUp.duration_ms ?? 0) + 10, 0);
    expect(violationsOf(UNKNOWN)).to.deep.equal([]);
  });

  it('finds a message that is sent, although Twilio did not accept it', () => {
    const message = settled();
    Object.assign(message, { status: 'sent', provider_message_id: 'SM_other' });
    expect(violationsOf('statuses agree with the provider')?.[0]).to.match(/was not accepted as SM_other/);
  });

  it('finds a callback URL with the key of another message, and a look-up for no recipient of a message', () => {
    const [one, other] = evidence.accepted as [AcceptedMessage, AcceptedMessage];
    one.idempotency_key = other.idempotency_key;
    expect(violatedRules(evidence)).to.deep.equal(['every call carries the delivery key of its message']);
    evidence = structuredClone(recorded);
    const lookUp = evidence.calls.find(({ method }) => method === 'GET') as Call;
    lookUp.path = lookUp.path.replace(/To=[^&]*/, 'To=%2B19995550000');
    expect(violatedRules(evidence)).to.include('every call carries the delivery key of its message');
  });

  it('finds a wrong order, except of a message that was accepted after its delivery had ended as unknown', () => {
    const rule = 'the provider accepts messages in the order of their conversation';
    const byToken = new Map(evidence.accepted.map((one) => [tokenIn(one.request.body), one]));
    const conversation = [...Array(8).keys()].find((n) => byToken.has(`${n}-0`) && byToken.has(`${n}-1`));
    const [first, second] = [0, 1].map((n) => byToken.get(`${conversation}-${n}`)) as [
      AcceptedMessage,
      AcceptedMessage,
    ];
    [first.sequence, second.sequence] = [second.sequence, first.sequence];
    expect(violatedRules(evidence)).to.deep.equal([rule]);
    const at = Date.parse(first.accepted_at);
    const message_id = evidence.stored.messages.find(({ body }) => tokenIn(body) === `${conversation}-0`)
      ?.id as number;
    evidence.stored.changes.unshift({ message_id, old: 'sending', new: 'unknown', at: at + 100 });
    expect(violatedRules(evidence)).to.include(rule);
    Object.assign(evidence.stored.changes[0] as object, { at: at - 100 });
    expect(violatedRules(evidence)).not.to.include(rule);
  });

  it('allows an attempt result_pending only if a callback arrived and a worker was killed', () => {
    const rule = 'the attempts of each message are complete';
    const message = settled();
    const [attempt] = attemptsOf(message) as [StoredAttempt];
    const pending = {
      outcome: 'unknown',
      code: 'result_pending',
      duration_ms: null,
      provider_message_id: null,
    };
    Object.assign(attempt, pending);
    expect(violatedRules(evidence)).to.deep.equal([rule]);
    kill(attempt.started_at + 1);
    expect(violatedRules(evidence)).to.deep.equal([]);
    evidence.stored.receipts = evidence.stored.receipts.filter(({ message_id }) => message_id !== message.id);
    expect(violatedRules(evidence)).to.include(rule);
  });

  it('finds a receipt that is not stored, or stored more often than Twilio has statuses for it', () => {
    const rule = 'every acknowledged receipt is stored once, with its message';
    const { id } = settled();
    const isSent = ({ message_id, status }: { message_id: number | null; status: string }) =>
      message_id === id && status === 'sent';
    const sent = evidence.stored.receipts.filter(isSent);
    evidence.stored.receipts = evidence.stored.receipts.filter((receipt) => !isSent(receipt));
    expect(violatedRules(evidence)).to.deep.equal([rule]);
    evidence.stored.receipts.push(...sent.slice(0, 1), ...sent.slice(0, 1), ...sent.slice(0, 1));
    expect(violatedRules(evidence)).to.deep.equal([rule]);
  });

  it('requires each dangerous state at least once', () => {
    evidence.plan = { ...PLAN, ofEachState: 1 };
    const violations = violationsOf('the run has all planned disruptions') ?? [];
    expect(violations.map((violation) => violation.split(':')[0])).to.deep.equal([
      'messages that were stopped while they waited',
      'accepted messages with a lost callback',
      'leases that expired after a worker was killed during a call',
      'responses that were recorded after the end of the lease',
    ]);
  });

  it('allows a process to exit at its start only while its own connection is cut', () => {
    const exit = (name: string, at: number) => {
      const detail = `${name}: exit 1: messaging-service: DATABASE_URL: the server does not respond`;
      evidence.events = [
        ...recorded.events,
        { at: 1_000, kind: 'worker cut off', detail: 'worker-1' },
        { at: 2_000, kind: 'worker connected again', detail: 'worker-1' },
        { at, kind: 'process exited', detail },
      ];
      return violatedRules(evidence);
    };
    const rule = 'no process exits, except at a start without a database';
    expect(exit('worker-1', 2_500)).to.deep.equal([]);
    expect(exit('worker-2', 2_500)).to.deep.equal([rule]);
    expect(exit('worker-1', 60_000)).to.deep.equal([rule]);
    expect(exit('worker-1', 500)).to.deep.equal([rule]);
  });

  it('counts a lost response if the call was accepted', () => {
    expect(count(/response was lost/)).to.equal(unanswered().length);
    for (const call of evidence.calls) if (call.status !== 201) call.message_id = null;
    expect(count(/response was lost/)).to.equal(0);
  });

  it('counts a lost callback if a status was not acknowledged', () => {
    const { receipts } = acceptedOf(settled());
    expect(count(/lost callback/)).to.equal(0);
    for (const receipt of receipts) if (receipt.status === 'delivered') receipt.acknowledged = 0;
    expect(count(/lost callback/)).to.equal(1);
    for (const receipt of receipts) receipt.acknowledged = receipt.status === 'sent' ? 0 : 1;
    expect(count(/lost callback/)).to.equal(1);
  });

  it('counts a callback before the response if it was received before the end of the attempt', () => {
    expect(count(/callback before the response/)).to.be.greaterThan(0);
    const { attempts, receipts } = evidence.stored;
    for (const receipt of receipts) receipt.received_at += 60_000;
    // No attempt has the id of a message whose response was lost, unless a look-up found the message.
    const ids = new Set(attempts.map(({ provider_message_id }) => provider_message_id));
    const reported = new Set(receipts.map(({ provider_message_id }) => provider_message_id));
    const withoutResponse = evidence.accepted.filter(({ id }) => !ids.has(id) && reported.has(id));
    expect(count(/callback before the response/)).to.equal(withoutResponse.length);
  });

  it('counts an expired lease if a worker was killed between a call and the next attempt', () => {
    const message = settled();
    const [attempt] = attemptsOf(message) as [StoredAttempt];
    const next = { ...attempt, number: 2, started_at: attempt.started_at + 20_000 };
    Object.assign(attempt, { outcome: 'unknown', code: 'worker_lost', duration_ms: null });
    evidence.stored.attempts.push(next);
    expect(count(/leases that expired/)).to.equal(0);
    kill(attempt.started_at - 1_000);
    expect(count(/leases that expired/)).to.equal(0);
    kill(attempt.started_at + 1_000);
    expect(count(/leases that expired/)).to.equal(1);
    const isOwn = ({ message_id }: Call) => message_id === message.provider_message_id;
    evidence.calls = evidence.calls.filter((call) => !isOwn(call));
    expect(count(/leases that expired/)).to.equal(0);
  });

  it('counts a late response if an attempt follows an accepted attempt', () => {
    const [attempt] = attemptsOf(settled()) as [StoredAttempt];
    evidence.stored.attempts.push({ ...attempt, number: 2 });
    expect(count(/recorded after the end of the lease/)).to.equal(1);
  });
});
