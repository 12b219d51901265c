import { randomUUID } from 'node:crypto';
import type { Channel, DialectName } from './settings.ts';
import type { WebhookCall } from './webhook-client.ts';

/** A message that a simulated provider accepted. */
export interface Accepted {
  id: string;
  dialect: DialectName;
  channel: Channel;
  idempotency_key: string | null;
  /** The number of requests for this message: 1, plus one for each repeated request with its key. */
  request_count: number;
  request: Record<string, unknown>;
  accepted_at: string;
  /** The position in the order of acceptance, from 1. */
  sequence: number;
  /** The receipts that are sent, in their order. */
  receipts: Receipt[];
  /** The ids that the response gave the recipients. */
  recipients?: { address: string; id: string }[];
  /** The files of the message that the provider fetches. */
  files?: FetchedFile[];
}

/** The result of fetching a file of an outbound message. */
export interface FetchedFile {
  url: string;
  /** Of the response; null without a response. */
  status: number | null;
  content_type: string | null;
  /** In bytes. */
  size: number | null;
  /** Hexadecimal; null until the file is read completely. */
  sha256: string | null;
  /** Why the file could not be read. */
  error?: string;
}

/** A receipt, with the number of its deliveries that the service answered with 2xx, and of those that the provider gave up. */
export interface Receipt {
  status: string;
  acknowledged: number;
  failed: number;
  recipient?: string;
}

/** A request to the API of a provider. */
export interface Call {
  method: string;
  path: string;
  dialect: DialectName;
  channel: Channel;
  idempotency_key: string | null;
  /** Whether the request has an `Authorization` header. */
  has_credentials: boolean;
  /** The URL for the status callbacks that a request to Twilio names; null for none. */
  status_callback: string | null;
  /** The `client_ref` of a request to Vonage, the `echo` of a request to SendGrid, or the Message-ID at the mail server; null for none. */
  client_ref: string | null;
  /** The recipients that a transaction at the mail server has named so far. */
  recipients?: string[];
  /** The message that the request created, or that has its key; null for none. */
  message_id: string | null;
  /** The type of the last fault that affected the request; null without a fault. */
  fault: string | null;
  /** Null without a response. */
  status: number | null;
  /** Milliseconds since 1970. */
  at: number;
}

const CALLS_KEPT = 100_000;
const WEBHOOKS_KEPT = 10_000;
const PREFIX = { sms: 'sms', email: 'eml' };

/** The accepted messages and the requests of the providers. */
export class Store {
  #byId = new Map<string, Accepted>();
  /** In the order of acceptance; several messages per key if keys are not supported. */
  #byKey = new Map<string, Accepted[]>();
  #calls: Call[] = [];
  #webhooks: WebhookCall[] = [];

  /** Accepts a message of the standard dialect. The ids are random, so that a restarted simulator does not repeat an id. */
  accept(
    channel: Channel,
    key: string | null,
    request: Record<string, unknown>,
    supportKeys: boolean,
  ): { message: Accepted; repeated: boolean } {
    const sameKey = key === null ? [] : this.byKey(channel, key);
    const known = sameKey[0];
    if (known && supportKeys) {
      known.request_count++;
      return { message: known, repeated: true };
    }
    const message = this.add({
      id: `${PREFIX[channel]}_${randomUUID()}`,
      ...{ dialect: 'standard', channel, idempotency_key: key, request },
    });
    sameKey.push(message);
    if (key !== null) this.#byKey.set(`${channel} ${key}`, sameKey);
    return { message, repeated: false };
  }

  /** Adds a new message. */
  add(message: Pick<Accepted, 'id' | 'dialect' | 'channel' | 'idempotency_key' | 'request'>): Accepted {
    const accepted: Accepted = {
      ...message,
      request_count: 1,
      accepted_at: new Date().toISOString(),
      sequence: this.#byId.size + 1,
      receipts: [],
    };
    this.#byId.set(message.id, accepted);
    return accepted;
  }

  /** A message of the standard dialect. */
  byId(channel: Channel, id: string): Accepted | undefined {
    const message = this.#byId.get(id);
    return message?.dialect === 'standard' && message.channel === channel ? message : undefined;
  }

  byKey(channel: Channel, key: string): Accepted[] {
    return this.#byKey.get(`${channel} ${key}`) ?? [];
  }

  /** In the order of acceptance. */
  all(channel?: Channel): Accepted[] {
    const messages = [...this.#byId.values()];
    return channel ? messages.filter((message) => message.channel === channel) : messages;
  }

  /** Adds a call to the log, which keeps the object: its fault and status are set later. */
  logCall(call: Call): void {
    this.#calls.push(call);
    if (this.#calls.length > 2 * CALLS_KEPT) this.#calls = this.#calls.slice(-CALLS_KEPT);
  }

  calls(): Call[] {
    return this.#calls.slice(-CALLS_KEPT);
  }

  logWebhook(call: WebhookCall): void {
    this.#webhooks.push(call);
    if (this.#webhooks.length > 2 * WEBHOOKS_KEPT) this.#webhooks = this.#webhooks.slice(-WEBHOOKS_KEPT);
  }

  webhooks(): WebhookCall[] {
    return this.#webhooks.slice(-WEBHOOKS_KEPT);
  }
}
