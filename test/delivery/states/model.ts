import type fc from 'fast-check';
import { type Event, type State, TRANSITIONS } from '../../../src/delivery/states/table.ts';

/** How a provider behaves in a send. */
export type Behaviour = 'accepts' | 'refuses' | 'is unavailable' | 'loses the response';
export const BEHAVIOURS: Behaviour[] = ['accepts', 'refuses', 'is unavailable', 'loses the response'];
/** The fault of the simulator; the time of the next attempt never comes by itself, so that the test determines each event. */
export const FAULTS: Record<Behaviour, object[]> = {
  accepts: [],
  refuses: [{ type: 'status', status: 400 }],
  'is unavailable': [{ type: 'status', status: 503, retry_after: 3_600 }],
  'loses the response': [{ type: 'lost_response', times: 1 }],
};
/** The event after a claim. The account for text messages has neither idempotency keys nor look-up. */
const OUTCOMES: Record<Behaviour, Record<Channel, Event>> = {
  accepts: { sms: 'accepted', email: 'accepted' },
  refuses: { sms: 'rejected', email: 'rejected' },
  'is unavailable': { sms: 'unavailable', email: 'unavailable' },
  'loses the response': { sms: 'unknown_unresolvable', email: 'accepted' },
};

export type Channel = 'sms' | 'email';

/** A message that the provider accepts. */
export const PROBES: Record<Channel, { from: string; to: string }> = {
  sms: { from: '+12016661234', to: '+12017770000' },
  email: { from: 'shop@example.com', to: 'probe@example.com' },
};

/** `size` addresses, from the address with the number `n`. */
export function addressesOf(channel: Channel, n: number, size: number): string[] {
  return Array.from({ length: size }, (_, index) =>
    channel === 'sms' ? `+1201555${1_000 + n + index}` : `p${n + index}-@example.com`,
  );
}

export interface Model {
  channel: Channel;
  state: State;
  /** The states of the recipients, once a receipt has named one of them; until then, null. */
  recipients: State[] | null;
  behaviour: Behaviour;
}

/** The message in the service. */
export interface Real {
  id: number;
  channel: Channel;
  to: string[];
  /** The provider's ids of the sends, also of sends whose response was lost. */
  ids: string[];
}

export interface Command extends fc.AsyncCommand<Model, Real> {
  toString(): string;
}

/** Applies events to the model. */
export function move(model: Model, ...events: Event[]): void {
  for (const event of events) model.state = TRANSITIONS[model.state][event];
}

/** Applies a claim and the outcome of the attempt. */
export function attempt(model: Model, ...before: Event[]): void {
  move(model, ...before, 'claim', OUTCOMES[model.behaviour][model.channel]);
}

/** Applies a receipt of the current send to the model. */
export function report(model: Model, size: number, word: string, recipient: number): void {
  const event = eventOf(word, model.channel);
  if (recipient >= size) return;
  if (size > 1 && recipient >= 0) model.recipients ??= Array.from({ length: size }, () => model.state);
  if (model.recipients === null) {
    move(model, event);
    return;
  }
  model.recipients = model.recipients.map((state, index) =>
    recipient === -1 || recipient === index ? TRANSITIONS[state][event] : state,
  );
  const [first, ...others] = [...new Set(model.recipients)];
  if (model.recipients.includes('sent')) model.state = 'sent';
  else model.state = first !== undefined && others.length === 0 ? first : 'undelivered';
}

export function eventOf(word: string, channel: Channel): Event {
  if (word === 'read') return 'receipt_delivered';
  if (word === 'undelivered' || word === 'bounced')
    return channel === 'email' ? 'receipt_bounced' : 'receipt_undelivered';
  return word === 'deferred' ? 'receipt_other' : (`receipt_${word}` as Event);
}
