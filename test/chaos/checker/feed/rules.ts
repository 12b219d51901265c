import type { RuleResult } from '../rules/rule.ts';
import { checkEach } from '../rules/rule.ts';
import {
  CONSUMERS,
  type Consumed,
  type ConsumerName,
  type FeedEvidence,
  type ReceivedEvent,
} from './evidence.ts';
import { expectedEvents } from './expected.ts';

/** A rule for the events that one consumer received. */
export type FeedRule = (consumed: Consumed, evidence: FeedEvidence, consumer: ConsumerName) => RuleResult;

const SUBJECTS = new Set(['message', 'conversation']);

const onlyStored: FeedRule = ({ events }, evidence) => {
  const received = bySubject(inOrder(events));
  const expected = expectedEvents(evidence);
  return checkEach(new Set([...expected.keys(), ...received.keys()]), (subject) => {
    const [got, wanted] = [received.get(subject) ?? [], expected.get(subject) ?? []];
    return got.join() !== wanted.join() && `${subject}: has ${named(got)} instead of ${named(wanted)}`;
  });
};

const allPositions: FeedRule = ({ events }, { lastPosition }) => {
  const received = new Set(events.map(({ id }) => id));
  return checkEach(
    Array.from({ length: lastPosition }, (_, index) => index + 1),
    (position) => !received.has(position) && `position ${position}: is missing`,
  );
};

const ascending: FeedRule = ({ events }, _evidence, consumer) =>
  checkEach(consumer === 'webhook' ? [] : events.keys(), (index) => {
    const [id, before] = [events[index]?.id ?? 0, events[index - 1]?.id ?? 0];
    return id <= before && `position ${id}: came after position ${before}`;
  });

const samePosition: FeedRule = ({ events }) =>
  checkEach(
    events,
    ({ id, position }) => id !== position && `position ${id}: was transported as position ${position}`,
  );

const oneEventPerPosition: FeedRule = ({ events }, { consumed }) => {
  const first = new Map(
    CONSUMERS.flatMap((name) => consumed[name]?.events ?? []).map((event) => [event.id, textOf(event)]),
  );
  return checkEach(
    events,
    (event) =>
      first.get(event.id) !== textOf(event) &&
      `position ${event.id}: is ${textOf(event)}, and ${first.get(event.id)} elsewhere`,
  );
};

const statusOfType: FeedRule = ({ events }) =>
  checkEach(
    events.filter(({ type }) => type.startsWith('message.')),
    ({ id, type, status }) =>
      type !== `message.${status}` && `position ${id}: ${type} has the status ${status}`,
  );

const deliveredInOrder: FeedRule = ({ events }) => {
  const delivered = [...bySubject(inOrder(events))].filter(([, types]) =>
    types.includes('message.delivered'),
  );
  return checkEach(delivered, ([subject, types]) => {
    const [queued, sent] = [types.indexOf('message.queued'), types.indexOf('message.sent')];
    const isOrdered = queued >= 0 && queued < sent && sent < types.indexOf('message.delivered');
    return !isOrdered && `${subject}: has the events ${named(types)}`;
  });
};

const interrupted: FeedRule = ({ interruptions }, { minInterruptions }) =>
  checkEach(
    [interruptions],
    (count) => count < minInterruptions && `the run: ${count} interruptions instead of ${minInterruptions}`,
  );

export const FEED_RULES: Record<string, FeedRule> = {
  'the consumer is interrupted as planned': interrupted,
  'the events are those of the stored messages and conversations': onlyStored,
  'every position of the feed arrives': allPositions,
  'positions ascend': ascending,
  'an event carries its position': samePosition,
  'a position has one event': oneEventPerPosition,
  'an event has the status that its type names': statusOfType,
  'a delivered message was queued, sent and delivered, in this order': deliveredInOrder,
};

/** Each position once, in the order of positions. */
function inOrder(events: ReceivedEvent[]): ReceivedEvent[] {
  return [...new Map(events.map((event) => [event.id, event])).values()].sort((a, b) => a.id - b.id);
}

/** The types of the events of each message and conversation. */
function bySubject(events: ReceivedEvent[]): Map<string, string[]> {
  const types = new Map<string, string[]>();
  for (const { type, subject } of events) {
    const kind = type.split('.', 1)[0] as string;
    if (!SUBJECTS.has(kind)) continue;
    const name = `${kind} ${subject}`;
    types.set(name, [...(types.get(name) ?? []), type]);
  }
  return types;
}

function textOf({ type, subject }: ReceivedEvent): string {
  return `${type} of ${subject}`;
}

function named(types: string[]): string {
  return types.join(', ') || 'no event';
}
