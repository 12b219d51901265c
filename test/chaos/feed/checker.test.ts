import { expect } from 'chai';
import { checkFeed } from '../checker/feed/check.ts';
import type { Consumed, FeedEvidence, ReceivedEvent } from '../checker/feed/evidence.ts';
import { PLAN } from '../recorded-run.ts';

describe('The checker of consumers of the feed', () => {
  let evidence: FeedEvidence;
  beforeEach(() => {
    evidence = makeEvidence();
  });

  const consumed = (name: keyof FeedEvidence['consumed']) => evidence.consumed[name] as Consumed;
  const violated = () =>
    checkFeed(evidence)
      .rules.filter(({ violations }) => violations.length > 0)
      .map(({ rule }) => rule);

  it('finds no violations where each consumer has every event', () => {
    expect(violated()).to.deep.equal([]);
    const unused = checkFeed(evidence).rules.filter(({ checked }) => checked === 0);
    expect(
      unused.map(({ rule }) => rule).filter((rule) => /^(rest|stream|webhook):/.test(rule)),
    ).to.deep.equal(['webhook: positions ascend']);
  });

  it('expects an event for a retry by a client only, and `sent` with an early receipt', () => {
    const change = (old: string, next: string) => ({ message_id: 2, old, new: next, at: 0 });
    evidence.stored.changes = [
      ...evidence.stored.changes.filter(({ message_id }) => message_id !== 2),
      ...[change('queued', 'sending'), change('sending', 'queued'), change('queued', 'sending')],
      ...[change('sending', 'failed'), change('failed', 'queued'), change('queued', 'sending')],
      change('sending', 'delivered'),
    ];
    const types = ['queued', 'failed', 'queued', 'sent', 'delivered'];
    const rest = [...EVENTS.filter(({ subject, type }) => subject !== 2 || !type.startsWith('message.'))];
    const events = [...rest, ...types.map((status) => messageEvent(0, 2, status))].map((event, index) => ({
      ...event,
      ...{ id: index + 1, position: index + 1 },
    }));
    for (const name of ['rest', 'stream', 'webhook'] as const)
      consumed(name).events = structuredClone(events);
    evidence.lastPosition = events.length;
    expect(violated()).to.deep.equal([]);
  });

  /** Changes of the evidence, and the rules that each change violates. */
  const CHANGES: Record<string, [() => void, ...string[]]> = {
    'a missing event': [
      () => consumed('rest').events.splice(4, 1),
      'rest: the events are those of the stored messages and conversations',
      'rest: every position of the feed arrives',
    ],
    'a missing event at the end': [
      () => consumed('webhook').events.pop(),
      'webhook: every position of the feed arrives',
    ],
    'an event of a message that is not stored': [
      () => evidence.stored.messages.pop(),
      ...each('the events are those of the stored messages and conversations'),
    ],
    'a repeated position': [
      () =>
        consumed('stream').events.splice(
          4,
          0,
          structuredClone(consumed('stream').events[3] as ReceivedEvent),
        ),
      'stream: positions ascend',
    ],
    'positions in the wrong order': [() => consumed('rest').events.reverse(), 'rest: positions ascend'],
    'two events with one position': [
      () => {
        const [, , third, fourth] = consumed('stream').events as [
          unknown,
          unknown,
          ReceivedEvent,
          ReceivedEvent,
        ];
        Object.assign(third, { ...fourth, id: third.id, position: third.position });
      },
      'stream: the events are those of the stored messages and conversations',
      'stream: a position has one event',
      'stream: a delivered message was queued, sent and delivered, in this order',
    ],
    'an event twice, at two positions': [
      () => {
        for (const { events } of Object.values(evidence.consumed)) events.push(messageEvent(9, 3, 'failed'));
        evidence.lastPosition = 9;
      },
      ...each('the events are those of the stored messages and conversations'),
    ],
    'a delivery before `sent`': [
      () => {
        for (const { events } of Object.values(evidence.consumed)) {
          const sent = events.findIndex(({ type }) => type === 'message.sent');
          const delivered = events.findIndex(({ type }) => type === 'message.delivered');
          const [first, second] = [events[sent], events[delivered]] as [ReceivedEvent, ReceivedEvent];
          events[sent] = { ...second, id: first.id, position: first.id };
          events[delivered] = { ...first, id: second.id, position: second.id };
        }
      },
      ...['rest', 'stream', 'webhook'].flatMap((name) => [
        `${name}: the events are those of the stored messages and conversations`,
        `${name}: a delivered message was queued, sent and delivered, in this order`,
      ]),
    ],
    'a webhook with the id of another event': [
      () => Object.assign(consumed('webhook').events[2] as ReceivedEvent, { position: 1 }),
      'webhook: an event carries its position',
    ],
    'an event with a later status': [
      () => Object.assign(consumed('rest').events[1] as ReceivedEvent, { status: 'delivered' }),
      'rest: an event has the status that its type names',
    ],
    'a consumer without interruptions': [
      () => Object.assign(consumed('stream'), { interruptions: 0 }),
      'stream: the consumer is interrupted as planned',
    ],
    'a run that did not become idle': [
      () => Object.assign(evidence, { idle: false }),
      'the run becomes idle within its time limit',
    ],
  };

  for (const [fault, [change, ...rules]] of Object.entries(CHANGES)) {
    it(`finds ${fault}`, () => {
      change();
      expect(violated()).to.deep.equal(rules);
    });
  }

  it('accepts webhooks in any order, and more than once', () => {
    consumed('webhook').events.reverse();
    consumed('webhook').events.push(...structuredClone(consumed('webhook').events.slice(0, 2)));
    expect(violated()).to.deep.equal([]);
  });
});

function each(rule: string): string[] {
  return ['rest', 'stream', 'webhook'].map((name) => `${name}: ${rule}`);
}

function messageEvent(id: number, subject: number, status: string): ReceivedEvent {
  return { id, type: `message.${status}`, subject, status, position: id };
}

/** Conversation 1 with an inbound message 1, and outbound messages 2 and 3. */
const EVENTS: ReceivedEvent[] = [
  { id: 1, type: 'conversation.created', subject: 1, status: null, position: 1 },
  messageEvent(2, 1, 'received'),
  messageEvent(3, 2, 'queued'),
  messageEvent(4, 2, 'sent'),
  messageEvent(5, 3, 'queued'),
  messageEvent(6, 2, 'delivered'),
  messageEvent(7, 3, 'failed'),
  { id: 8, type: 'quarantine.added', subject: 1, status: null, position: 8 },
];

function makeEvidence(): FeedEvidence {
  const message = (id: number, direction: string, status: string) =>
    ({ id, conversation_id: 1, direction, status, body: '' }) as FeedEvidence['stored']['messages'][number];
  const change = (message_id: number, old: string, next: string) => ({ message_id, old, new: next, at: 0 });
  const of = () => ({ events: structuredClone(EVENTS), interruptions: 3 });
  return {
    ...{
      modes: {},
      listDelayMs: 0,
      providerTimeoutMs: 0,
      plan: PLAN,
      events: [],
      idle: true,
      sent: [],
      inbound: [],
    },
    stored: {
      ...{ attempts: [], receipts: [], recipients: [], claims_after_stop: [] },
      ...{ conversations: [{ id: 1, message_count: 3, addresses: [] }] },
      messages: [
        message(1, 'inbound', 'received'),
        message(2, 'outbound', 'delivered'),
        message(3, 'outbound', 'failed'),
      ],
      changes: [
        ...[change(2, 'queued', 'sending'), change(2, 'sending', 'sent'), change(3, 'queued', 'sending')],
        ...[change(2, 'sent', 'delivered'), change(3, 'sending', 'failed')],
      ],
    },
    ...{ accepted: [], calls: [], lastPosition: 8, minInterruptions: 1 },
    consumed: { rest: of(), stream: of(), webhook: of() },
  };
}
