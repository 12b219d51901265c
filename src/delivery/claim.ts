import type pg from 'pg';
import { transaction } from '../db/connect.ts';
import type { Message } from '../db/models/message.ts';
import { lockConversations, releaseFirst } from '../db/turns.ts';
import type { Outgoing } from '../providers/provider.ts';

/** A message in this worker's hands until its lease ends. */
export type Claimed = Outgoing &
  Pick<
    Message,
    | 'conversation_id'
    | 'provider'
    | 'attempt_count'
    | 'retry_count'
    | 'may_have_been_sent'
    | 'created_at'
    | 'send_at'
  >;

const CLAIM = {
  name: 'claim-messages',
  text: `
    update messages
    set status = 'sending',
        next_attempt_at = statement_timestamp() + $2::float8 * interval '1 millisecond',
        attempt_count = attempt_count + 1,
        -- Whoever had it before did not say how it ended.
        may_have_been_sent = may_have_been_sent or due.status = 'sending',
        provider = coalesce(provider, case when type = 'email' then $4 else $3 end),
        updated_at = statement_timestamp()
    from (
      select id, status from messages
      where next_attempt_at <= statement_timestamp() and status in ('queued', 'sending')
      order by next_attempt_at limit $1
      for update skip locked
    ) as due
    where messages.id = due.id
    returning messages.id, conversation_id, type, "from", "to", cc, bcc, reply_to, subject, body, attachments, "timestamp",
      delivery_key, provider, attempt_count, retry_count, may_have_been_sent, created_at, send_at`,
};

const FIND_SCHEDULED = {
  name: 'find-scheduled',
  text: `select conversation_id from messages where next_attempt_at <= statement_timestamp() and status = 'scheduled' limit $1`,
};

const RELEASE_SCHEDULED = {
  name: 'release-scheduled',
  text: `
    update messages set status = 'queued', next_attempt_at = null, updated_at = statement_timestamp()
    where conversation_id = any($1::bigint[]) and status = 'scheduled' and next_attempt_at <= statement_timestamp()`,
};

/**
 * Takes up to `limit` messages that are due, the longest due first, for `leaseMs` milliseconds. Committed when it
 * returns: a worker that dies costs its messages one lease.
 */
export async function claim(
  pool: pg.Pool,
  limit: number,
  leaseMs: number,
  providers: { sms: string; email: string },
): Promise<Claimed[]> {
  const { rows } = await pool.query<Claimed>(CLAIM, [limit, leaseMs, providers.sms, providers.email]);
  return rows.sort((a, b) => a.id - b.id);
}

/** Queues the scheduled messages whose time has come, each in its turn; returns how many conversations were touched. */
export async function queueScheduled(pool: pg.Pool, limit: number): Promise<number> {
  const { rows } = await pool.query<{ conversation_id: number }>(FIND_SCHEDULED, [limit]);
  if (rows.length === 0) return 0;
  const ids = [...new Set(rows.map((row) => row.conversation_id))];
  await transaction(pool, async (connection) => {
    await lockConversations(connection, ids);
    await connection.query(RELEASE_SCHEDULED, [ids]);
    await releaseFirst(connection, ids);
  });
  return ids.length;
}

/**
 * Ends every lease at once. Only for a process that knows that no other one delivers from this database: whoever
 * held them is dead.
 */
export async function endLeases(pool: pg.Pool): Promise<void> {
  await pool.query(`update messages set next_attempt_at = statement_timestamp() where status = 'sending'`);
}
