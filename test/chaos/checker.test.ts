import { expect } from 'chai';
import { seededRandom } from '../../src/simulator/random.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { until } from '../support/until.ts';
import { check, timeline, toTable } from './checker/check.ts';
import { countPending, observe, readStored, readTaken } from './checker/collect.ts';
import {
  type Call,
  type ChaosEvent,
  type Evidence,
  type Mode,
  type Sent,
  type StoredAttempt,
  type StoredMessage,
  type StoredReceipt,
  type Taken,
  tokenIn,
} from './checker/evidence.ts';
import { sendAll } from './clients.ts';
import { createSender } from './sender.ts';
import { makeWorkload } from './workload.ts';

const PLAN = {
  ...{ workerKills: 0, drainKills: 0, apiKills: 0, databaseRestarts: 0, providerOutages: 0, outageMs: 1_000 },
  ...{ failing: 0, lost: 0, ofEachFault: 0 },
};

/** What a small run against the service and the simulator leaves, without anything being killed. */
async function record(mode: Mode, environment: Record<string, string>, faults: object[]): Promise<Evidence> {
  const PROVIDER_TIMEOUT_MS = '10000';
  const service: Harness = await startHarness({ ...environment, PROVIDER_TIMEOUT_MS });
  try {
    await observe(service.databaseUrl);
    await service.control('PUT', '/_control/settings', {
      honour_idempotency_keys: mode === 'keys',
      lookup: mode !== 'neither',
      receipts: { failure_rate: 0.3, repeats: 1, disorder: true },
    });
    await service.control('PUT', '/_control/faults', faults);
    const signal = AbortSignal.timeout(30_000);
    const random = seededRandom(1);
    const sent = makeWorkload(8, 3, random);
    await sendAll(sent, {
      send: createSender(service.url, 'none', signal),
      ...{ limit: 8, pauseMs: 5, repeated: 0.5, random, signal, onAcknowledged: () => undefined },
    });
    await until(async () => (await countPending(service.databaseUrl)) === 0, 'nothing is pending');
    await until(async () => {
      const { taken } = await readTaken(service.simulator.url);
      return taken.flatMap(({ receipts }) => receipts).every((receipt) => receipt.taken > 0);
    }, 'every receipt was taken');
    return {
      ...{
        mode,
        providerTimeoutMs: Number(PROVIDER_TIMEOUT_MS),
        plan: PLAN,
        events: [],
        quiet: true,
        sent: sent.flat(),
      },
      stored: await readStored(service.databaseUrl),
      ...(await readTaken(service.simulator.url)),
    };
  } finally {
    await service.stop();
  }
}

/** The rules that are broken. */
const broken = (evidence: Evidence) =>
  check(evidence)
    .rules.filter(({ violations }) => violations.length > 0)
    .map(({ rule }) => rule);

describe('The checker of chaos runs', function () {
  this.timeout(60_000);
  let recorded: Evidence;
  let doubtful: Evidence;
  let evidence: Evidence;
  before(async () => {
    const lost = (times: number) =>
      ['sms', 'email'].map((channel) => ({ channel, type: 'lost_response', times }));
    recorded = await record('keys', {}, lost(2));
    const neither = Object.fromEntries(
      ['TEXT_CO', 'MAIL_CO'].flatMap((name) => [
        [`${name}_IDEMPOTENCY_KEYS`, 'false'],
        [`${name}_CAN_LOOK_UP`, 'false'],
      ]),
    );
    doubtful = await record('neither', neither, lost(2));
  });
  beforeEach(() => {
    evidence = structuredClone(recorded);
  });

  const storedAs = (token: string, of = evidence) =>
    of.stored.messages.find(({ body }) => tokenIn(body) === token) as StoredMessage;
  const takenAs = (token: string, of = evidence) =>
    of.taken.find(({ request }) => tokenIn(request.body) === token) as Taken;
  const sentAs = (token: string, of = evidence) => of.sent.find((one) => one.token === token) as Sent;
  const drop = <T>(list: T[], gone: T) => void list.splice(list.indexOf(gone), 1);
  const expectBroken = (rules: string[], of = evidence) =>
    expect(broken(of), toTable(check(of))).to.deep.equal(rules);

  it('finds nothing in what was recorded, and holds every rule against something', () => {
    expectBroken([]);
    expectBroken([], doubtful);
    const idle = check(recorded).rules.filter(({ checked }) => checked === 0);
    expect(idle.map(({ rule }) => rule)).to.deep.equal([
      'recipients that fail keep nobody else waiting',
      'no process ended by itself, but at a start without a database',
      'unknown is what nobody can tell, for a reason',
    ]);
    expect(check(recorded).unknown).to.deep.equal([]);
    expect(check(doubtful).unknown).to.have.length(4);
    expect(recorded.stored.messages.map(({ status }) => status)).to.include.members([
      ...['delivered', 'undelivered', 'failed'],
    ]);
  });

  it('tells the story of a message', () => {
    const lost = recorded.calls.filter(({ fault }) => fault === 'lost_response');
    // A provider may have refused it, too, before the answer was lost.
    const message = recorded.stored.messages.find(
      ({ delivery_key, provider_message_id }) =>
        provider_message_id !== null && lost.some((call) => call.idempotency_key === delivery_key),
    );
    const story = timeline(recorded, tokenIn(message?.body) ?? '').join('\n');
    expect(story)
      .to.match(/taken as (sms|eml)_/)
      .and.to.contain('no answer, struck by lost_response');
    expect(story).to.contain('status queued → sending').and.to.contain('accepted');
  });

  /** Changes of the evidence of a run, and the rules that each change violates. */
  const BREAKS: Record<string, [() => void, ...string[]]> = {
    'an acknowledged message that is not in the database': [
      () => {
        const stored = storedAs('0-1');
        drop(evidence.stored.messages, stored);
        const conversation = evidence.stored.conversations.find(({ id }) => id === stored.conversation_id);
        if (conversation) conversation.message_count--;
      },
      'what was acknowledged is stored once, as the message told',
      'every call carries the key of its message',
      'every receipt taken is stored once, with its message',
    ],
    'an acknowledged message that was not taken': [
      () => {
        const taken = takenAs('1-1');
        drop(evidence.taken, taken);
      },
      'what was acknowledged is taken by the provider',
      'statuses agree with the provider',
      'no other receipts are stored',
    ],
    'a message taken twice': [
      () => {
        const again = { ...takenAs('2-0'), id: 'sms_again', sequence: 1_000, receipts: [] };
        evidence.taken.push(again);
      },
      'nothing is taken twice',
    ],
    'two messages of a conversation taken the wrong way round': [
      () => {
        const [first, second] = [takenAs('3-0'), takenAs('3-1')];
        [first.sequence, second.sequence] = [second.sequence, first.sequence];
      },
      'conversations are taken in the order of sending',
    ],
    'a message stored twice': [
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
      'what was acknowledged is stored once, as the message told',
      'nothing else is stored',
      'statuses agree with the provider',
    ],
    'a message delivered that its provider reported undelivered': [
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
    'a message failed that was taken': [
      () => void Object.assign(storedAs('1-0'), { status: 'failed', error: { code: 'gone', detail: '' } }),
      'statuses agree with the provider',
      'no status moved back',
    ],
    'a message failed that nobody refused': [
      () => {
        sentAs('6-0').refused = false;
      },
      'what was acknowledged is taken by the provider',
      'statuses agree with the provider',
    ],
    'a message that hangs': [
      () => void Object.assign(storedAs('0-2'), { status: 'sending', due: true }),
      'nothing is stuck',
      'no status moved back',
    ],
    'a message unknown where it can be cleared up': [
      () => {
        const stored = storedAs('4-0');
        stored.status = 'unknown';
        evidence.stored.changes = evidence.stored.changes.filter(
          ({ message_id }) => message_id !== stored.id,
        );
        const attempt = evidence.stored.attempts.find(({ message_id }) => message_id === stored.id);
        evidence.stored.attempts.push({ ...attempt, outcome: 'unknown' } as never);
      },
      'unknown is what nobody can tell, for a reason',
    ],
    'a status that went back': [
      () => {
        const { id } = storedAs('5-0');
        const all = evidence.stored.changes.filter(({ message_id }) => message_id === id);
        const end = all.at(-1) as (typeof all)[number];
        evidence.stored.changes.push({ ...end, old: end.new, new: 'sent' }, { ...end, old: 'sent' });
      },
      'no status moved back',
    ],
    'content changed on its way to the database': [
      () => void Object.assign(storedAs('2-1'), { subject: 'Another one' }),
      'what is stored is what was sent',
    ],
    'content changed on its way to the provider': [
      () => {
        takenAs('2-1').request.attachments = ['https://example.com/other.pdf'];
      },
      'what is taken is what was sent',
    ],
    'something taken that nobody sent': [
      () =>
        void evidence.taken.push({
          ...takenAs('0-0'),
          id: 'sms_other',
          request: { body: 'Hello' },
          receipts: [],
        }),
      'nothing else is taken',
      'every call carries the key of its message',
    ],
    'a call under no message’s key': [
      () => {
        const call = evidence.calls[0];
        if (call) evidence.calls.push({ ...call, idempotency_key: 'other' });
      },
      'every call carries the key of its message',
    ],
    'a receipt that was acknowledged and is not stored': [
      () => void evidence.stored.receipts.pop(),
      'every receipt taken is stored once, with its message',
    ],
    'a receipt stored twice': [
      () => void evidence.stored.receipts.push(evidence.stored.receipts[0] as StoredReceipt),
      'every receipt taken is stored once, with its message',
    ],
    'a receipt that nobody sent': [
      () =>
        void evidence.stored.receipts.push({
          message_id: null,
          provider_message_id: 'sms_0',
          status: 'sent',
        }),
      'no other receipts are stored',
    ],
    'an attempt that is missing': [
      () => {
        const { id } = storedAs('0-0');
        const attempt = evidence.stored.attempts.find(({ message_id }) => message_id === id);
        if (attempt) drop(evidence.stored.attempts, attempt);
      },
      'attempts tell the story of each message',
    ],
    'a conversation that counts wrong': [
      () => void Object.assign(evidence.stored.conversations[0] as object, { message_count: 7 }),
      'conversations count their messages',
    ],
    'a conversation of other people': [
      () => void evidence.stored.conversations[0]?.addresses.pop(),
      'a conversation is one, of those who take part',
    ],
    'a message in another conversation': [
      () => {
        storedAs('0-0').conversation_id = storedAs('1-0').conversation_id;
      },
      'a conversation is one, of those who take part',
      'conversations count their messages',
    ],
    'a client that was told another message the second time': [
      () => void sentAs('0-0').answers.push({ id: 999, conversation_id: storedAs('0-0').conversation_id }),
      'one key has one answer',
    ],
    'two clients that were told the same message': [
      () => {
        sentAs('0-0').answers = sentAs('1-0').answers;
      },
      'two keys have two messages',
      'what was acknowledged is stored once, as the message told',
      'a conversation is one, of those who take part',
    ],
    'a client that never got through': [
      () => {
        sentAs('0-2').answers = [];
      },
      'every client got an acknowledgement',
    ],
    'an answer that there is no reason for': [
      () => void sentAs('0-0').odd.push('500 internal_error'),
      'no answer but an acknowledgement, 503 or none',
    ],
    'a process that ended by itself': [
      () =>
        void evidence.events.push({
          at: 1,
          kind: 'ended by itself',
          detail: 'worker-1: exit 1: Node.js v24',
        }),
      'no process ended by itself, but at a start without a database',
    ],
    'a run in which nothing was killed': [
      () => {
        evidence.plan.workerKills = 1;
      },
      'the run was as rough as planned',
    ],
    'a run in which recipients that fail kept others waiting': [
      () => {
        sentAs('0-0').failing = 'hang';
      },
      'recipients that fail keep nobody else waiting',
    ],
    'a message to a recipient that fails, failed although it was taken': [
      () => {
        Object.assign(storedAs('1-0'), { status: 'failed', error: { code: 'expired', detail: '' } });
        sentAs('1-0').failing = 'hang';
        evidence.events.push({ at: 1, kind: 'all but failing settled', detail: '' });
      },
      'statuses agree with the provider',
      'no status moved back',
    ],
    'a run that never came to rest': [
      () => {
        evidence.quiet = false;
      },
      'the run came to rest',
    ],
  };

  for (const [what, [breakIt, ...rules]] of Object.entries(BREAKS)) {
    it(`finds ${what}`, () => {
      breakIt();
      const found = broken(evidence);
      expect(found, toTable(check(evidence))).to.include.members(rules);
      expect(found.filter((rule) => !rules.includes(rule))).to.deep.equal([]);
    });
  }

  it('finds everything that was planned and not done', () => {
    const { outageMs, ...least } = PLAN;
    for (const deed of Object.keys(least)) {
      evidence.plan = { ...PLAN, [deed]: 1 };
      expectBroken(['the run was as rough as planned']);
    }
  });

  it('counts what was done: an outage that lasted and was met, a kill while something was left', () => {
    const met = evidence.calls.findLast(({ fault }) => fault === 'lost_response') as Call;
    const settled = evidence.stored.changes.findLast(({ old }) => old === 'sending')?.at ?? 0;
    const away = { at: met.at, kind: 'provider away', detail: met.channel } as const;
    const back = { at: met.at + PLAN.outageMs, kind: 'provider back', detail: met.channel } as const;
    const killed = { at: settled - 1, kind: 'worker killed', detail: 'worker-1' } as const;
    const acknowledged = { at: settled - 2, kind: 'all acknowledged', detail: '' } as const;
    const expectDone = (events: ChaosEvent[], counts: object) => {
      evidence.events = events;
      const done = Object.fromEntries(check(evidence).deeds.map(({ what, was }) => [what.trim(), was]));
      expect(done).to.include(counts);
    };
    const outages = `providers away for ${PLAN.outageMs / 1_000} s, and called`;
    expectDone([away, back], { [outages]: 1 });
    expectDone([away, { ...back, at: back.at - 1 }], { [outages]: 0 });
    expectDone(
      [
        { ...away, at: met.at + 1 },
        { ...back, at: back.at + 1 },
      ],
      { [outages]: 0 },
    );
    const drain = 'of them while the rest drained';
    expectDone([acknowledged, killed], { 'workers killed': 1, [drain]: 1 });
    expectDone([killed], { 'workers killed': 1, [drain]: 0 });
    expectDone([acknowledged, { ...killed, at: settled + 1 }], { 'workers killed': 1, [drain]: 0 });
  });

  it('finds what stays unknown without a reason, and what is unknown and taken twice', () => {
    // Not every one was taken: a provider may refuse a message and lose that answer, too.
    const unknown = check(doubtful).unknown.find((token) => takenAs(token, doubtful));
    evidence = structuredClone(doubtful);
    const { delivery_key } = storedAs(unknown ?? '');
    evidence.calls = evidence.calls.map((call) =>
      call.idempotency_key === delivery_key ? { ...call, fault: null, status: 202 } : call,
    );
    expectBroken(['unknown is what nobody can tell, for a reason']);
    evidence = structuredClone(doubtful);
    evidence.taken.push({ ...takenAs(unknown ?? ''), id: 'sms_again', receipts: [] });
    expectBroken(['nothing is taken twice']);
  });

  it('excuses an attempt that nobody told of where its worker was killed', () => {
    const stored = storedAs('0-0');
    const told = evidence.stored.attempts.find(({ message_id }) => message_id === stored.id) as StoredAttempt;
    evidence.stored.attempts.push({
      ...{ ...told, number: ++stored.attempt_count, duration_ms: null },
      ...{ outcome: 'unknown', code: 'worker_lost', provider_message_id: null },
    });
    expectBroken(['attempts tell the story of each message']);
    const claimed = evidence.stored.changes.find(({ message_id }) => message_id === stored.id);
    evidence.events.push({ at: claimed?.at ?? 0, kind: 'worker killed', detail: 'worker-1' });
    expectBroken([]);
  });
});
