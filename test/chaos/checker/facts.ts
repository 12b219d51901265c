import {
  type Call,
  type ChaosEvent,
  type Evidence,
  type Sent,
  type StoredAttempt,
  type StoredMessage,
  type Taken,
  tokenIn,
} from './evidence.ts';

/** The evidence by what it is asked for. */
export interface Facts extends Evidence {
  sentByToken: Map<string, Sent>;
  /** Several where a message was stored or taken more than once. */
  storedByToken: Map<string, StoredMessage[]>;
  takenByToken: Map<string, Taken[]>;
  storedById: Map<number, StoredMessage>;
  storedByProviderId: Map<string | null, StoredMessage>;
  attemptsOf: Map<number, StoredAttempt[]>;
  changesOf: Map<number, Evidence['stored']['changes']>;
  /** By the key that a message has towards its provider. */
  callsOf: Map<string, Call[]>;
}

export function factsOf(evidence: Evidence): Facts {
  const { sent, stored, taken, calls } = evidence;
  return {
    ...evidence,
    sentByToken: new Map(sent.map((one) => [one.token, one])),
    storedByToken: Map.groupBy(stored.messages, ({ body }) => tokenIn(body) ?? ''),
    takenByToken: Map.groupBy(taken, ({ request }) => tokenIn(request.body) ?? ''),
    storedById: new Map(stored.messages.map((message) => [message.id, message])),
    storedByProviderId: new Map(stored.messages.map((message) => [message.provider_message_id, message])),
    attemptsOf: Map.groupBy(stored.attempts, ({ message_id }) => message_id),
    changesOf: Map.groupBy(stored.changes, ({ message_id }) => message_id),
    callsOf: Map.groupBy(calls, keyOf),
  };
}

/** A look-up names the key in its query. */
export function keyOf({ idempotency_key, path }: Call): string {
  return idempotency_key ?? new URL(path, 'http://host').searchParams.get('idempotency_key') ?? '';
}

const INTERRUPTIONS = new Set<ChaosEvent['kind']>(['worker killed', 'database down', 'ended by itself']);

/** Whether something was done between two moments that can cost a worker what it knows. */
export function wasInterrupted({ events }: Evidence, from: number, to: number): boolean {
  // The clocks of the driver and of PostgreSQL are one, but what is killed goes on for a moment.
  const slack = 250;
  return events.some(({ kind, at }) => INTERRUPTIONS.has(kind) && at >= from - slack && at <= to + slack);
}

/** When the message was first and last in the hands of a worker. */
export function handled(facts: Facts, id: number): { from: number; to: number } {
  const changes = facts.changesOf.get(id) ?? [];
  const first = changes.find((change) => change.new === 'sending');
  return { from: first?.at ?? Number.POSITIVE_INFINITY, to: changes.at(-1)?.at ?? Number.NEGATIVE_INFINITY };
}

/** Which conversation's messages these are, each list in the order of sending. */
export function byConversation(sent: Sent[]): Map<number, Sent[]> {
  const groups = Map.groupBy(sent, ({ conversation }) => conversation);
  for (const group of groups.values()) group.sort((a, b) => a.n - b.n);
  return groups;
}

export function sorted(list: readonly string[]): string {
  return [...list].sort().join(' ');
}
