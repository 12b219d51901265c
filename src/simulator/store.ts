import { randomUUID } from 'node:crypto';
import type { Channel } from './provider/settings.ts';

/** A message that a simulated provider has taken. */
export interface Accepted {
  id: string;
  channel: Channel;
  idempotency_key: string | null;
  /** How often it was asked for: 1, and one more for each repeat under its key. */
  asked: number;
  request: Record<string, unknown>;
  accepted_at: string;
  /** 1 for the first message of all. */
  sequence: number;
  /** What the service is to hear of it, in this order, and how often it has taken that with a 2xx. */
  receipts: { status: string; taken: number }[];
}

/** A call of the providers' API, as it came. */
export interface Call {
  method: string;
  path: string;
  channel: Channel;
  idempotency_key: string | null;
  /** The type of the fault that struck, the last where there were several; null where none did. */
  fault: string | null;
  /** Null where the call got no answer, or has none yet. */
  status: number | null;
  /** Milliseconds since 1970. */
  at: number;
}

const CALLS_KEPT = 100_000;
const PREFIX = { sms: 'sms', email: 'eml' };

/** What the providers have taken, and how they were asked. */
export class Store {
  #byId = new Map<string, Accepted>();
  /** In the order in which they were taken; several where keys are not honoured. */
  #byKey = new Map<string, Accepted[]>();
  #calls: Call[] = [];

  /** The ids are random, so that none comes twice, however often the simulator is started. */
  accept(
    channel: Channel,
    key: string | null,
    request: Record<string, unknown>,
    honourKeys: boolean,
  ): { message: Accepted; repeated: boolean } {
    const sameKey = key === null ? [] : this.byKey(channel, key);
    const known = sameKey[0];
    if (known && honourKeys) {
      known.asked++;
      return { message: known, repeated: true };
    }
    const message: Accepted = {
      id: `${PREFIX[channel]}_${randomUUID()}`,
      channel,
      idempotency_key: key,
      asked: 1,
      request,
      accepted_at: new Date().toISOString(),
      sequence: this.#byId.size + 1,
      receipts: [],
    };
    this.#byId.set(message.id, message);
    sameKey.push(message);
    if (key !== null) this.#byKey.set(`${channel} ${key}`, sameKey);
    return { message, repeated: false };
  }

  byId(channel: Channel, id: string): Accepted | undefined {
    const message = this.#byId.get(id);
    return message?.channel === channel ? message : undefined;
  }

  byKey(channel: Channel, key: string): Accepted[] {
    return this.#byKey.get(`${channel} ${key}`) ?? [];
  }

  /** In the order in which they were taken. */
  all(channel?: Channel): Accepted[] {
    const messages = [...this.#byId.values()];
    return channel ? messages.filter((message) => message.channel === channel) : messages;
  }

  /** The log keeps the object, so that what is learnt of the call later can be set on it. */
  called(call: Call): void {
    this.#calls.push(call);
    if (this.#calls.length > 2 * CALLS_KEPT) this.#calls = this.#calls.slice(-CALLS_KEPT);
  }

  calls(): Call[] {
    return this.#calls.slice(-CALLS_KEPT);
  }
}
