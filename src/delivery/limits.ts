import type pg from 'pg';
import type { Provider } from '../providers/provider.ts';
import type { Breaker } from './breaker.ts';
import { HOLD_MS, reserve } from './slots.ts';

/** A message that is due, and the provider that is to get it. */
export interface Candidate {
  id: number;
  from: string;
  /** Milliseconds since the time that was reserved for it by its sender's limit; null where none was. */
  slot_ago_ms: number | null;
  breaker: Breaker;
}

/** A reserved time that has passed by more than this is gone: were all of them kept, they would go at once. */
const SLOT_GRACE_MS = 2_000;

const DEFER = {
  name: 'defer-messages',
  text: `
    update deliveries set next_attempt_at = slot_at, sender_slot_at = slot_at
    from (
      select id, statement_timestamp() + in_ms * interval '1 millisecond' as slot_at
      from unnest($1::bigint[], $2::float8[]) as deferred(id, in_ms)
    ) as deferred
    where deliveries.message_id = deferred.id`,
};

/** Milliseconds that a message has to wait, by its id; those that need not are left out. */
type Delays = Map<number, number>;

/**
 * Those that may be handed over within `HOLD_MS`, each with how long it has to wait for that. The others are put off
 * until the time that is reserved for them by the limit of their sender.
 */
export async function withinLimits<T extends Candidate>(
  connection: pg.ClientBase,
  due: T[],
): Promise<(T & { delayMs: number })[]> {
  const bySender = await spread(
    connection,
    due.filter(({ slot_ago_ms }) => (slot_ago_ms ?? Number.POSITIVE_INFINITY) > SLOT_GRACE_MS),
    ({ from, breaker }) => `${breaker.provider.name} ${from}`,
    ({ perSecondPerSender }) => perSecondPerSender,
  );
  const deferred = [...bySender].filter(([, delayMs]) => delayMs > HOLD_MS);
  if (deferred.length > 0)
    await connection.query(DEFER, [deferred.map(([id]) => id), deferred.map(([, delayMs]) => delayMs)]);
  const ready = due.filter(({ id }) => (bySender.get(id) ?? 0) <= HOLD_MS);
  const byProvider = await spread(
    connection,
    ready,
    ({ breaker }) => breaker.provider.name,
    ({ perSecond }) => perSecond,
  );
  return ready.map((message) => ({
    ...message,
    delayMs: Math.max(bySender.get(message.id) ?? 0, byProvider.get(message.id) ?? 0),
  }));
}

/** Gives each message of a provider that has this limit a time of its own among those that share it by name. */
async function spread(
  connection: pg.ClientBase,
  messages: Candidate[],
  nameOf: (message: Candidate) => string,
  limitOf: (provider: Provider) => number | null,
): Promise<Delays> {
  const limited = messages.filter(({ breaker }) => limitOf(breaker.provider) !== null);
  const groups = Map.groupBy(limited, nameOf);
  const rateOf = ([first]: Candidate[]) => limitOf((first as Candidate).breaker.provider) as number;
  const counts = [...groups].map(
    ([name, group]) => [name, { count: group.length, perSecond: rateOf(group) }] as const,
  );
  const starts = await reserve(connection, new Map(counts));
  const delays: Delays = new Map();
  for (const [name, group] of groups) {
    const start = starts.get(name) as number;
    for (const [index, { id }] of group.entries())
      delays.set(id, Math.max(0, start + (index * 1_000) / rateOf(group)));
  }
  return delays;
}
