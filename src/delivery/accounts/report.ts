import type { Knex } from 'knex';
import type { Channel } from '../../channel.ts';
import type { BreakerState } from '../../outbox/circuit-breaker.ts';
import type { AccountError, AccountHealth } from './health.ts';

/** The queue of a channel and the state of each of its accounts. */
export interface ChannelReport {
  channel: Channel;
  /** The number of queued messages in the database. */
  queued: number;
  /** The time when the oldest queued message was accepted, or was due if it was scheduled. */
  oldestQueuedAt: Date | null;
  accounts: AccountReport[];
}

export interface AccountReport {
  name: string;
  /** The state in this process; null in a process that does not deliver. */
  breaker: BreakerState | null;
  since: Date | null;
  /** The latest error of this process, or of the last attempt of a queued message. */
  lastError: AccountError | null;
  /** The number of queued messages that only this account may send. */
  assigned: number;
}

interface QueueRow {
  channel: Channel;
  provider: string | null;
  messages: number;
  oldest: Date;
}

const QUEUE = `
    select channel, provider, count(*)::int as messages, min(greatest(created_at, send_at)) as oldest
    from deliveries where pending and status = 'queued' group by channel, provider`;

/** Max queued messages per account whose last attempts are read, the latest `next_attempt_at` first. */
const SAMPLE = 100;

export const LAST_ERRORS = `
    select distinct on (attempt.provider) attempt.provider as name, code, detail, http_status as "httpStatus",
      started_at + coalesce(duration_ms, 0) * interval '1 millisecond' as at
    from unnest(?::text[], ?::text[]) as assignment(channel, provider)
    cross join lateral (
      select message_id from deliveries
      where channel = assignment.channel and coalesce(provider, '') = assignment.provider
        and (attempt_count > 0) and next_attempt_at is not null and pending and error is not null
      order by next_attempt_at desc limit ${SAMPLE}
    ) as waiting
    cross join lateral (
      select * from delivery_attempts where message_id = waiting.message_id order by number desc limit 1
    ) as attempt
    where attempt.outcome <> 'accepted'
    order by attempt.provider, started_at desc`;

/**
 * The state of each channel and account, for operators.
 *
 * @param configured the accounts, in the configured order.
 * @param known the health of the accounts in this process; empty in a process that does not deliver.
 */
export async function reportAccounts(
  knex: Knex,
  configured: { name: string; channel: Channel }[],
  known: AccountHealth[],
): Promise<ChannelReport[]> {
  const { rows: queue }: { rows: QueueRow[] } = await knex.raw(QUEUE);
  const channels = [...new Set(configured.map(({ channel }) => channel))];
  const assignments = [...configured, ...channels.map((channel) => ({ channel, name: '' }))];
  const { rows: stored }: { rows: (AccountError & { name: string })[] } = await knex.raw(LAST_ERRORS, [
    assignments.map(({ channel }) => channel),
    assignments.map(({ name }) => name),
  ]);
  return channels.map((channel) => {
    const waiting = queue.filter((row) => row.channel === channel);
    const oldest = waiting.map((row) => row.oldest.getTime());
    return {
      channel,
      queued: waiting.reduce((sum, { messages }) => sum + messages, 0),
      oldestQueuedAt: oldest.length > 0 ? new Date(Math.min(...oldest)) : null,
      accounts: configured
        .filter((account) => account.channel === channel)
        .map(({ name }) => {
          const own = known.find((account) => account.name === name);
          return {
            name,
            breaker: own?.breaker ?? null,
            since: own?.since ?? null,
            lastError: latest(
              own?.lastError,
              stored.find((error) => error.name === name),
            ),
            assigned: waiting.find(({ provider }) => provider === name)?.messages ?? 0,
          };
        }),
    };
  });
}

function latest(one: AccountError | null | undefined, other: AccountError | undefined): AccountError | null {
  if (!one || !other) return one ?? other ?? null;
  return one.at > other.at ? one : other;
}
