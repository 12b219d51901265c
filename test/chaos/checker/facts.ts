import { keyInCallback, keyInEcho } from './echo.ts';
import {
  type AcceptedMessage,
  type Call,
  type ChaosEvent,
  type Evidence,
  type Sent,
  type StoredAttempt,
  type StoredMessage,
  type StoredReceipt,
  tokenIn,
} from './evidence.ts';
import { recipientOfLookUp } from './twilio.ts';

/** The evidence with indexes for the rules. `stored.messages` has the outbound messages only. */
export interface Facts extends Evidence {
  storedInbound: StoredMessage[];
  sentByToken: Map<string, Sent>;
  /** Several messages per token if a message was stored or accepted more than once. */
  storedByToken: Map<string, StoredMessage[]>;
  acceptedByToken: Map<string, AcceptedMessage[]>;
  storedByProviderId: Map<string | null, StoredMessage>;
  recipientsOf: Map<number, Evidence['stored']['recipients']>;
  attemptsOf: Map<number, StoredAttempt[]>;
  changesOf: Map<number, Evidence['stored']['changes']>;
  receiptsOf: Map<number | null, StoredReceipt[]>;
  /** The look-ups at Twilio, by recipient. */
  lookUpsFor: Map<string, Call[]>;
  /** By delivery key. */
  callsOf: Map<string, Call[]>;
}

export function factsOf(evidence: Evidence): Facts {
  const { sent, accepted, calls } = evidence;
  const isInbound = ({ direction }: StoredMessage) => direction === 'inbound';
  const messages = evidence.stored.messages.filter((message) => !isInbound(message));
  const stored = { ...evidence.stored, messages };
  const recipientsOf = Map.groupBy(stored.recipients, ({ message_id }) => message_id);
  return {
    ...{ ...evidence, stored, storedInbound: evidence.stored.messages.filter(isInbound) },
    sentByToken: new Map(sent.map((one) => [one.token, one])),
    storedByToken: Map.groupBy(stored.messages, ({ body }) => tokenIn(body) ?? ''),
    acceptedByToken: Map.groupBy(accepted, ({ request }) => tokenIn(request.body) ?? ''),
    storedByProviderId: new Map(
      messages.flatMap((message) => idsOf(message, recipientsOf).map((id) => [id, message])),
    ),
    recipientsOf,
    attemptsOf: Map.groupBy(stored.attempts, ({ message_id }) => message_id),
    changesOf: Map.groupBy(stored.changes, ({ message_id }) => message_id),
    receiptsOf: Map.groupBy(stored.receipts, ({ message_id }) => message_id),
    lookUpsFor: Map.groupBy(calls, (call) => recipientOfLookUp(call) ?? ''),
    callsOf: Map.groupBy(calls, keyOf),
  };
}

/**
 * The provider's ids of a message. If only callbacks about single recipients of a group show that it was accepted, the recipients
 * have the id.
 */
function idsOf(
  { id, provider_message_id }: StoredMessage,
  recipientsOf: Facts['recipientsOf'],
): (string | null)[] {
  const ofRecipients = (recipientsOf.get(id) ?? []).map((recipient) => recipient.provider_message_id);
  return [provider_message_id, ...ofRecipients];
}

/** Returns the delivery key of a call: the header, the callback URL or the reference of a send, or the query parameter of a look-up. */
export function keyOf({ idempotency_key, status_callback, client_ref, path }: Call): string {
  const inQuery = () => new URL(path, 'http://host').searchParams.get('idempotency_key');
  return idempotency_key ?? keyInCallback(status_callback) ?? keyInEcho(client_ref) ?? inQuery() ?? '';
}

const INTERRUPTIONS = new Set<ChaosEvent['kind']>([
  'worker killed',
  'worker cut off',
  'database down',
  'process exited',
]);

/** Whether a worker may have lost the result of a call between two times. */
export function wasInterrupted({ events }: Evidence, from: number, to: number): boolean {
  // The driver and PostgreSQL share a clock, but a killed process can run for some milliseconds after the event.
  const slack = 250;
  return events.some(({ kind, at }) => INTERRUPTIONS.has(kind) && at >= from - slack && at <= to + slack);
}

/** The time from the first claim of a message to its last change of status. */
export function processingPeriod(facts: Facts, id: number): { from: number; to: number } {
  const changes = facts.changesOf.get(id) ?? [];
  const first = changes.find((change) => change.new === 'sending');
  return { from: first?.at ?? Number.POSITIVE_INFINITY, to: changes.at(-1)?.at ?? Number.NEGATIVE_INFINITY };
}

/** Whether the delivery of a message had ended as `unknown` when the provider accepted it, so that later messages had been sent. */
export function wasAcceptedTooLate(facts: Facts, id: number, accepted_at: string): boolean {
  const changes = facts.changesOf.get(id) ?? [];
  // `accepted_at` is truncated to milliseconds.
  return changes.some((change) => change.new === 'unknown' && change.at < Date.parse(accepted_at) + 1);
}

/** Groups messages by conversation, each group in the order of sending. */
export function byConversation(sent: Sent[]): Map<number, Sent[]> {
  const groups = Map.groupBy(sent, ({ conversation }) => conversation);
  for (const group of groups.values()) group.sort((a, b) => a.n - b.n);
  return groups;
}

export function sorted(list: readonly string[]): string {
  return [...list].sort().join(' ');
}
