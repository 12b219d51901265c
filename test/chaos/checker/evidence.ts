/** The record of a run from three independent sources: the clients, the database and the providers. All values are JSON. */
export interface Evidence {
  /** The features of the simulated provider of each channel, which determine the guarantees of the service. */
  modes: Modes;
  /** The time until Twilio lists an accepted message, in milliseconds. */
  listDelayMs: number;
  /** The time limit of the service for one call to a provider, in milliseconds. */
  providerTimeoutMs: number;
  plan: Plan;
  /** The disruptions and the progress of the run, in the order of time. */
  events: ChaosEvent[];
  /** Whether nothing was pending when the database and the providers were read. */
  idle: boolean;
  sent: Sent[];
  /** The emails that a mail server passed on. */
  inbound: Inbound[];
  stored: Stored;
  accepted: AcceptedMessage[];
  calls: Call[];
}

/**
 * The provider supports idempotency keys and look-up (`keys`), look-up only (`lookup`), or neither (`neither`): these are of the
 * standard kind. Any other mode is a kind of provider.
 */
export type Mode = 'keys' | 'lookup' | 'neither' | SmsKind | EmailKind;
export type SmsKind = 'twilio' | 'telnyx' | 'vonage';
export type EmailKind = 'sendgrid' | 'resend' | 'smtp';

/** Of a provider, besides its idempotency keys. */
interface Features {
  idempotencyKeys: boolean;
  /** `partly`: a look-up does not find every message. */
  lookUp: boolean | 'partly';
  /** The provider names the message in its callbacks, so that a callback shows that it accepted the message. */
  namesMessages: boolean;
}

/** Twilio finds messages by their circumstances only. A mail server has no callbacks. */
export const FEATURES: Record<Mode, Features> = {
  keys: { idempotencyKeys: true, lookUp: true, namesMessages: false },
  lookup: { idempotencyKeys: false, lookUp: true, namesMessages: false },
  neither: { idempotencyKeys: false, lookUp: false, namesMessages: false },
  twilio: { idempotencyKeys: false, lookUp: 'partly', namesMessages: true },
  telnyx: { idempotencyKeys: false, lookUp: false, namesMessages: true },
  vonage: { idempotencyKeys: false, lookUp: false, namesMessages: true },
  sendgrid: { idempotencyKeys: false, lookUp: false, namesMessages: true },
  resend: { idempotencyKeys: true, lookUp: false, namesMessages: true },
  smtp: { idempotencyKeys: false, lookUp: false, namesMessages: false },
};
/** The channels of a run. */
export type Modes = Partial<Record<'sms' | 'email', Mode>>;

/** The minimum of each disruption of a run. */
export interface Plan {
  workerKills: number;
  /** The worker kills after the last acknowledgement and before the last message is settled. */
  drainKills: number;
  apiKills: number;
  databaseRestarts: number;
  providerOutages: number;
  /** The minimum duration of a provider outage, in milliseconds. */
  outageMs: number;
  /** The share of the sends outside of outages that end with a fault, from 0 to 1. */
  failing: number;
  /** The share of the sends outside of outages whose response is lost, from 0 to 1. */
  lost: number;
  /** The number of sends outside of outages on each channel with each kind of fault. */
  ofEachFault: number;
  /** The number of times that each dangerous state is reached. */
  ofEachState: number;
}

export interface ChaosEvent {
  /** Milliseconds since 1970. */
  at: number;
  kind:
    | 'all acknowledged'
    | 'worker killed'
    | 'worker cut off'
    | 'worker connected again'
    | 'api killed'
    | 'database down'
    | 'database up'
    | 'provider down'
    | 'provider up'
    | 'all others settled'
    | 'process exited';
  detail: string;
}

/** A message of a client, with the responses. */
export interface Sent {
  /** A unique text; the body contains `[chaos:<token>]`. */
  token: string;
  key: string;
  conversation: number;
  /** From 0, in the order of sending within the conversation. */
  n: number;
  request: Request;
  /** Whether the email answers the email before it in the conversation. */
  answersPrevious: boolean;
  /** The addresses of the participants, normalized like those of the service. */
  addresses: string[];
  /** Whether the provider refuses one of the recipients. */
  refused: boolean;
  /** A key of `FAILING`: how the provider fails for the recipient until all other messages are settled. Null: it does not fail. */
  failing: string | null;
  /** Whether the recipient is suppressed after all messages of the conversation were acknowledged. */
  stopped: boolean;
  /** Several if the client repeated the request. */
  acknowledgements: { id: number; conversation_id: number }[];
  /** The statuses of responses other than 202 and 503. */
  unexpected: string[];
}

export interface Request {
  type: 'sms' | 'mms' | 'email';
  from: string;
  to: string | string[];
  cc?: string[];
  subject?: string;
  body: string;
  attachments: string[];
  timestamp: string;
  metadata: Record<string, string>;
}

/** An inbound email, with the number of its deliveries that the service acknowledged. */
export interface Inbound {
  token: string;
  from: string;
  to: string;
  acknowledged: number;
}

/** The content of the database. */
export interface Stored {
  messages: StoredMessage[];
  attempts: StoredAttempt[];
  receipts: StoredReceipt[];
  /** The recipients with a status of their own. */
  recipients: { message_id: number; address: string; status: string; provider_message_id: string | null }[];
  conversations: StoredConversation[];
  /** Every change of a delivery's status, recorded by a trigger. */
  changes: { message_id: number; old: string; new: string; at: number }[];
  /** Every claim whose transaction saw that a recipient is suppressed, recorded by a trigger. */
  claims_after_stop: { message_id: number; at: number }[];
}

export interface StoredMessage {
  id: number;
  conversation_id: number;
  direction: string;
  type: string;
  from: string;
  to: string[];
  cc: string[] | null;
  subject: string | null;
  body: string;
  attachments: string[];
  metadata: Record<string, string>;
  timestamp: string;
  status: string;
  error: { code: string; detail: string } | null;
  provider_message_id: string | null;
  idempotency_key: string | null;
  delivery_key: string | null;
  attempt_count: number;
  /** Whether another attempt is scheduled. */
  due: boolean;
}

export interface StoredAttempt {
  message_id: number;
  number: number;
  provider: string;
  started_at: number;
  /** Null if the worker died before it recorded the result. */
  duration_ms: number | null;
  outcome: string;
  code: string | null;
  provider_message_id: string | null;
}

export interface StoredReceipt {
  message_id: number | null;
  provider_message_id: string;
  status: string;
  received_at: number;
}

export interface StoredConversation {
  id: number;
  message_count: number;
  addresses: string[];
}

/** A message that a simulated provider accepted. */
export interface AcceptedMessage {
  id: string;
  dialect: string;
  channel: string;
  /** The delivery key: the key of the request, or the key by which the request wants to be named in callbacks. */
  idempotency_key: string | null;
  request_count: number;
  /** RFC 3339 with milliseconds. */
  accepted_at: string;
  sequence: number;
  request: Record<string, unknown>;
  /** The receipts that the provider sent, with the number of successful deliveries and of those that were given up. */
  receipts: { status: string; acknowledged: number; failed: number; recipient?: string }[];
  /** The recipients of an email; undefined for other messages. */
  recipients?: string[];
}

/** A call to a simulated provider. */
export interface Call {
  method: string;
  path: string;
  dialect: string;
  channel: string;
  idempotency_key: string | null;
  status_callback: string | null;
  client_ref: string | null;
  /** Of a transaction at the mail server. */
  recipients?: string[];
  /** The id of the message that the provider accepted; null if it accepted none. */
  message_id: string | null;
  fault: string | null;
  status: number | null;
  at: number;
}

/** Returns the token in a body, or null. */
export function tokenIn(body: unknown): string | null {
  return /\[chaos:([\w-]+)\]/.exec(String(body))?.[1] ?? null;
}

/** The mode of the provider of a message. */
export function modeOf({ modes }: Evidence, { type }: { type: string }): Mode | undefined {
  return type === 'email' ? modes.email : modes.sms;
}

/** Whether the provider names the message in its callbacks. */
export function namesMessages(mode: Mode | undefined): boolean {
  return mode !== undefined && FEATURES[mode].namesMessages;
}

/** Whether a message can stay `unknown`, because the provider can neither be asked nor send the message only once. */
export function mayStayUnknown(mode: Mode | undefined): boolean {
  return mode !== undefined && !FEATURES[mode].idempotencyKeys && FEATURES[mode].lookUp !== true;
}
