import type { Channel } from '../../../../src/channel.ts';
import type { SimulatorOptions } from '../../../../src/simulator/server.ts';
import type { DialectName } from '../../../../src/simulator/settings.ts';

/** A kind of provider at one channel, with everything that the conformance suite needs to know about it. */
export interface Subject {
  dialect: DialectName;
  /** The name of the account. */
  account: string;
  /**
   * The variables of an account.
   *
   * @param account its name.
   * @param url the simulator of the kind.
   * @param secrets sign the webhooks, the current secret first.
   */
  environment(account: string, url: string, secrets: readonly string[]): Record<string, string>;
  simulator: SimulatorOptions;
  /** The simulator signs with the current secret. During a rotation, the previous secret is valid too. */
  secrets: { current: string; previous: string; other: string };
  /** The body of a send, without its recipient. */
  message: { from: string; body: string; type?: string };
  /** A recipient that no other number has. */
  recipient(n: number): string;
  /** The recipient of a message that the simulator accepted. */
  recipientOf(request: Record<string, unknown>): unknown;
  /** The last status of a message that the provider accepts; default: `delivered`. */
  lastStatus?: 'sent' | 'delivered';
  outcomes: OutcomeCase[];
  refusals: RefusalCase[];
  /** A recipient who has opted out at the provider, which refuses the message with the class `opted_out`; absent without one. */
  optedOut?: string;
  /** What the kind does with a message of which the simulator knows and the service does not. */
  reconciliations: ReconciliationCase[];
  /** The provider's statuses in receipts, and the status of a sent message after each of them. */
  statuses: Record<string, 'sent' | 'delivered' | 'undelivered' | 'failed'>;
  /** The settings of the simulator with which its webhooks have fields and statuses that are not documented. */
  undocumented?: Record<string, unknown>;
  /** Statuses of one message, in the order of time; the last status is final. */
  progress: string[];
  /** Whether the provider requires credentials for the files of inbound messages. */
  protectsMedia: boolean;
  /** The error of a message with a file that the provider cannot read. */
  unreadableFile: { code: string; class: string };
  webhooks: WebhookForms;
}

/** The outcome of an attempt while a fault of the simulator affects the message. */
export interface OutcomeCase {
  title: string;
  /** The fault of the simulator. It ends when the first attempt is made. */
  fault: Record<string, unknown>;
  /** Fields of the first attempt. */
  attempt: { outcome: string; code: string; http_status: number | null };
  /** The class of the error that the message shows until the next attempt. */
  class: string;
  /** The final status; default: that of an accepted message. */
  end?: string;
  /** How often the provider has the message at the end; default: 1. */
  sent?: 0 | 1;
}

/** A message that the provider refuses, or does not deliver, because of its recipient. */
export interface RefusalCase {
  title: string;
  to: string;
  status: 'failed' | 'undelivered';
  error: { code: string; class: string; url?: string };
}

export interface ReconciliationCase {
  title: string;
  /** Settings of the simulator. */
  settings: Record<string, unknown>;
  /** Faults of the simulator, until the end. */
  faults: Record<string, unknown>[];
  status: string;
}

/** A webhook as the provider sends it to the URL of the account. */
export interface Webhook {
  /** The target of the request. */
  path: string;
  headers: Record<string, string>;
  body: string;
}

export interface InboundFields {
  id: string;
  from: string;
  to: string;
  body: string;
  attachments?: string[];
}

export interface SigningOptions {
  secret: string;
  /** The public URL of the service. */
  url: string;
  /** In seconds since 1970; default: now. */
  at?: number;
}

export interface WebhookForms {
  /** The response to every webhook that is processed. */
  response: { contentType: string; body: string };
  /** A provider id that no other number has. */
  id(n: number): string;
  /**
   * Absent for a kind whose webhooks have no inbound messages.
   *
   * @param unknown whether the webhook has fields that are not documented.
   */
  message?(fields: InboundFields, unknown?: boolean): Webhook;
  /** @param to the recipient of the message, whom the webhooks of some kinds name. */
  receipt(id: string, status: string, unknown?: boolean, to?: string): Webhook;
  /** The receipt of a bounce after which the address will never accept an email; absent if the kind has none. */
  hardBounce?(id: string, to: string): Webhook;
  sign(webhook: Webhook, options: SigningOptions): Webhook;
  signatureHeader: string;
  /** The status for a webhook without a signature; default: 401. */
  unsignedStatus?: 503;
  /** Whether the signature covers the body; default: true. */
  signsBody?: boolean;
  /** Whether the signature covers the URL. */
  signsUrl: boolean;
  /** Whether the signature covers the time. */
  signsTime: boolean;
  /** The fields of `/_control/inbound`. */
  inbound?(fields: Omit<InboundFields, 'id'>): Record<string, unknown>;
}

/** A kind whose webhooks have inbound messages. */
export type InboundSubject = Subject & { webhooks: Required<Pick<WebhookForms, 'message' | 'inbound'>> };

export function hasInbound(subject: Subject): subject is InboundSubject {
  return subject.webhooks.message !== undefined && subject.webhooks.inbound !== undefined;
}

/** Of a kind that sends no webhooks, neither receipts nor messages. */
export const NO_WEBHOOKS: WebhookForms = {
  response: { contentType: '', body: '' },
  id: noWebhook,
  receipt: noWebhook,
  sign: noWebhook,
  signatureHeader: '',
  signsUrl: false,
  signsTime: false,
};

function noWebhook(): never {
  throw new Error('This kind sends no webhooks');
}

export type Subjects = Partial<Record<Channel, Subject>>;
