/** What is known when a run is over, from three sides that do not know of each other; JSON throughout. */
export interface Evidence {
  /** What the simulated providers could do, so what can be asked of the service. */
  mode: Mode;
  /** How long the service waits for the answer to one call, in milliseconds. */
  providerTimeoutMs: number;
  plan: Plan;
  /** What was done to the service, and what happened to it, in the order of time. */
  events: ChaosEvent[];
  /** Whether nothing moved any more when the rest was read. */
  quiet: boolean;
  sent: Sent[];
  stored: Stored;
  taken: Taken[];
  calls: Call[];
}

/** `keys`: repeats of a key are dropped; `lookup`: they are not, but a message can be asked for; `neither`. */
export type Mode = 'keys' | 'lookup' | 'neither';

/** How rough the run was to be. */
export interface Plan {
  workerKills: number;
  /** Of these, when all was acknowledged and not all settled. */
  drainKills: number;
  apiKills: number;
  databaseRestarts: number;
  providerOutages: number;
  /** How long each of them lasts at the least, in milliseconds. */
  outageMs: number;
  /** The least part of the sends, from 0 to 1, that a fault ends while no provider is away; of it, lost answers. */
  failing: number;
  lost: number;
  /** The least number of sends, on each channel, that each kind of fault strikes then. */
  ofEachFault: number;
}

export interface ChaosEvent {
  /** Milliseconds since 1970, as all times here. */
  at: number;
  kind:
    | 'all acknowledged'
    | 'worker killed'
    | 'api killed'
    | 'database down'
    | 'database up'
    | 'provider away'
    | 'provider back'
    | 'all but failing settled'
    | 'ended by itself';
  detail: string;
}

/** A message as a client sent it, and what the client was told. */
export interface Sent {
  /** Unique; stands in the body between `[chaos:` and `]`. */
  token: string;
  key: string;
  conversation: number;
  /** From 0, in the order of sending within the conversation. */
  n: number;
  request: Request;
  /** Everybody in the conversation, as the service is to know them. */
  addresses: string[];
  /** The provider refuses one of the recipients. */
  refused: boolean;
  /** How the provider fails for the recipient as long as there are messages to others; null for most. */
  failing: string | null;
  /** Every acknowledgement; more than one where the client sent it again. */
  answers: { id: number; conversation_id: number }[];
  /** Answers that there is no reason for. */
  odd: string[];
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

/** What the database holds. */
export interface Stored {
  messages: StoredMessage[];
  attempts: StoredAttempt[];
  receipts: StoredReceipt[];
  conversations: StoredConversation[];
  /** Every change of a message's status, as the observer's trigger saw it. */
  changes: { message_id: number; old: string; new: string; at: number }[];
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
  /** Whether a worker is still to take it. */
  due: boolean;
}

export interface StoredAttempt {
  message_id: number;
  number: number;
  provider: string;
  started_at: number;
  /** Null where the worker never told. */
  duration_ms: number | null;
  outcome: string;
  code: string | null;
  provider_message_id: string | null;
}

export interface StoredReceipt {
  message_id: number | null;
  provider_message_id: string;
  status: string;
}

export interface StoredConversation {
  id: number;
  message_count: number;
  addresses: string[];
}

/** A message that the simulated providers took. */
export interface Taken {
  id: string;
  channel: string;
  idempotency_key: string | null;
  asked: number;
  sequence: number;
  request: Record<string, unknown>;
  receipts: { status: string; taken: number }[];
}

/** A call that came to the simulated providers. */
export interface Call {
  method: string;
  path: string;
  channel: string;
  idempotency_key: string | null;
  fault: string | null;
  status: number | null;
  at: number;
}

/** The token in a body; null where there is none. */
export function tokenIn(body: unknown): string | null {
  return /\[chaos:([\w-]+)\]/.exec(String(body))?.[1] ?? null;
}
