import type pg from 'pg';
import { transaction } from '../db/connect.ts';
import { lockConversations, releaseFirst } from '../db/turns.ts';
import type { Events } from '../observability/events.ts';

const FIND_TIMED = {
  name: 'find-timed',
  text: `
    (select conversation_id from deliveries
     where status = 'scheduled' and next_attempt_at <= statement_timestamp() order by next_attempt_at limit $1)
    union
    (select conversation_id from deliveries
     where status = 'queued' and expires_at <= statement_timestamp() order by expires_at limit $1)`,
};

const QUEUE = {
  name: 'queue-scheduled',
  text: `
    update deliveries set status = 'queued', next_attempt_at = null, updated_at = statement_timestamp()
    where conversation_id = any($1::bigint[]) and status = 'scheduled' and next_attempt_at <= statement_timestamp()`,
};

/** The last attempt tells why it was not sent before; where there was none, it never had its turn. */
const EXPIRE = {
  name: 'expire-queued',
  text: `
    update deliveries
    set status = case when may_have_been_sent then 'unknown' else 'failed' end, next_attempt_at = null,
        error = json_build_object('code', 'expired', 'detail', 'Its time ran out' || coalesce((
          select '; the last attempt ended ' || outcome || ' (' || code || ')' from delivery_attempts
          where message_id = deliveries.message_id order by number desc limit 1), ' before its turn came')),
        updated_at = statement_timestamp()
    where conversation_id = any($1::bigint[]) and status = 'queued' and expires_at <= statement_timestamp()
    returning message_id as id, status, channel`,
};

const FIND_LEFT_BEHIND = {
  name: 'find-left-behind',
  text: `
    select distinct conversation_id from deliveries
    where next_attempt_at <= statement_timestamp() and pending and provider <> all($1::text[])`,
};

const LEAVE = {
  name: 'leave-removed',
  text: `
    update deliveries
    set provider = case when may_be_there then provider end,
        status = case when may_be_there then 'unknown' else 'queued' end,
        error = case when may_be_there then json_build_object('code', 'provider_removed',
          'detail', 'It may have been sent by ' || provider || ', which is no longer configured') end,
        next_attempt_at = case when not may_be_there then next_attempt_at end,
        updated_at = statement_timestamp()
    from (select message_id as left_id, may_have_been_sent or status = 'sending' as may_be_there from deliveries
          where conversation_id = any($1::bigint[]) and next_attempt_at <= statement_timestamp()
            and pending and provider <> all($2::text[]) for update) as left_behind
    where message_id = left_id`,
};

/**
 * Queues the scheduled messages whose time has come and fails the queued ones whose time has run out, each in its
 * turn; returns how many conversations were touched, of at most `limit` for either reason.
 */
export async function moveTimed(pool: pg.Pool, limit: number, events: Events): Promise<number> {
  const expired: { id: number; status: string; channel: string }[] = [];
  const moved = await inTurn(pool, FIND_TIMED, [limit], async (connection, ids) => {
    await connection.query(QUEUE, [ids]);
    expired.push(...(await connection.query(EXPIRE, [ids])).rows);
  });
  for (const { id, ...message } of expired) events.gaveUp({ messageId: id, code: 'expired', ...message });
  return moved;
}

/** What waits for a provider that is none of these any more goes to another one, or is `unknown` if it may be there. */
export async function leaveRemoved(pool: pg.Pool, providers: string[]): Promise<number> {
  return inTurn(pool, FIND_LEFT_BEHIND, [providers], async (connection, ids) => {
    await connection.query(LEAVE, [ids, providers]);
  });
}

/** Changes messages of the conversations that `find` gives, while nobody else adds to these or takes from them. */
async function inTurn(
  pool: pg.Pool,
  find: { name: string; text: string },
  values: unknown[],
  change: (connection: pg.ClientBase, conversationIds: number[]) => Promise<void>,
): Promise<number> {
  const { rows } = await pool.query<{ conversation_id: number }>(find, values);
  if (rows.length === 0) return 0;
  const ids = rows.map((row) => row.conversation_id);
  await transaction(pool, async (connection) => {
    await lockConversations(connection, ids);
    await change(connection, ids);
    await releaseFirst(connection, ids);
  });
  return ids.length;
}
