import type pg from 'pg';
import { activateNext, lockConversations } from '../db/conversation-lock.ts';
import { storedFunction } from '../db/functions.ts';
import { transaction } from '../db/pools.ts';
import type { Events } from '../observability/events.ts';

/** What may have been sent is asked about once more when its time runs out; so long there is for that. */
const HAS_EXPIRED = `(not may_have_been_sent or expires_at <= statement_timestamp() - interval '1 minute')`;
const TO_BE_ASKED = `(may_have_been_sent and next_attempt_at > statement_timestamp())`;

const FIND_TIMED = {
  name: 'find-timed',
  text: `
    (select conversation_id from deliveries
     where status = 'scheduled' and next_attempt_at <= statement_timestamp() order by next_attempt_at limit $1)
    union
    (select conversation_id from deliveries
     where status = 'queued' and expires_at <= statement_timestamp() and (${HAS_EXPIRED} or ${TO_BE_ASKED})
     order by expires_at limit $1)`,
};

const QUEUE = {
  name: 'queue-scheduled',
  text: `
    update deliveries set status = 'queued', next_attempt_at = null, updated_at = statement_timestamp()
    where conversation_id = any($1::bigint[]) and status = 'scheduled' and next_attempt_at <= statement_timestamp()`,
};

const ASK = {
  name: 'ask-about-expired',
  text: `
    update deliveries set next_attempt_at = statement_timestamp()
    where conversation_id = any($1::bigint[]) and status = 'queued' and expires_at <= statement_timestamp()
      and ${TO_BE_ASKED}`,
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
      and ${HAS_EXPIRED}
    returning message_id as id, status, channel`,
};

const FIND_LEFT_BEHIND = {
  name: 'find-left-behind',
  text: `
    select distinct conversation_id from deliveries
    where next_attempt_at <= statement_timestamp() and pending and provider <> all($1::text[])`,
};

const FIND_STALLED = {
  name: 'find-stalled',
  text: `
    select conversation_id
    from (
      select distinct on (conversation_id) conversation_id, next_attempt_at from deliveries
      where pending order by conversation_id, message_id
    ) as head
    where next_attempt_at is null limit 1000`,
};

const RECORD_LOST = {
  name: 'record-lost',
  text: `
    with lost as materialized (
      select message_id from deliveries
      where conversation_id = any($1::bigint[]) and next_attempt_at <= statement_timestamp()
        and pending and provider <> all($2::text[]) and status = 'sending' for update
    )
    select ${storedFunction('record_lost_attempts')}(array_agg(message_id), null) from lost`,
};

const LEAVE = {
  name: 'leave-removed',
  text: `
    with left_behind as materialized (
      select message_id as left_id, may_have_been_sent or status = 'sending' as may_be_there
      from deliveries
      where conversation_id = any($1::bigint[]) and next_attempt_at <= statement_timestamp()
        and pending and provider <> all($2::text[]) for update
    )
    update deliveries
    set provider = case when may_be_there then provider end,
        status = case when may_be_there then 'unknown' else 'queued' end,
        error = case when may_be_there then jsonb_build_object('code', 'provider_removed',
          'detail', 'It may have been sent by ' || provider || ', which is no longer configured') else error end,
        next_attempt_at = case when not may_be_there then next_attempt_at end,
        updated_at = statement_timestamp()
    from left_behind
    where message_id = left_id
    returning message_id as id, status, channel`,
};

/**
 * Queues the scheduled messages whose time has come and fails the queued ones whose time has run out, each in its
 * turn; returns how many conversations were touched, of at most `limit` for either reason.
 */
export async function moveTimed(pool: pg.Pool, limit: number, events: Events): Promise<number> {
  const { touched, changed } = await inTurn(pool, FIND_TIMED, [limit], async (connection, ids) => {
    await connection.query(QUEUE, [ids]);
    await connection.query(ASK, [ids]);
    return (await connection.query<Changed>(EXPIRE, [ids])).rows;
  });
  for (const { id, ...message } of changed) events.gaveUp({ messageId: id, code: 'expired', ...message });
  return touched;
}

/** What waits for a provider that is none of these any more goes to another one, or is `unknown` if it may be there. */
export async function leaveRemoved(pool: pg.Pool, providers: string[], events: Events): Promise<number> {
  const { touched, changed } = await inTurn(pool, FIND_LEFT_BEHIND, [providers], async (connection, ids) => {
    await connection.query(RECORD_LOST, [ids, providers]);
    return (await connection.query<Changed>(LEAVE, [ids, providers])).rows;
  });
  for (const { id, ...message } of changed)
    if (message.status === 'unknown') events.gaveUp({ messageId: id, code: 'provider_removed', ...message });
  return touched;
}

/**
 * Activates the first pending message of conversations where none is active: someone deleted the active message from
 * the database. Returns how many conversations that were.
 */
export async function activateStalled(pool: pg.Pool): Promise<number> {
  return (await inTurn(pool, FIND_STALLED, [], async () => [])).touched;
}

const DELETE_OLD_KEYS = {
  name: 'delete-old-keys',
  text: `
    delete from idempotency_keys where (api_key_name, key) in (
      select api_key_name, key from idempotency_keys
      where created_at < now() - interval '30 days' order by created_at limit $1)`,
};
const KEYS_PER_STATEMENT = 1_000;
const MAX_STATEMENTS = 20;

/** Deletes Idempotency-Keys after 30 days, in short statements. */
export async function deleteOldKeys(pool: pg.Pool): Promise<void> {
  for (let statements = 1; statements <= MAX_STATEMENTS; statements++) {
    const { rowCount } = await pool.query(DELETE_OLD_KEYS, [KEYS_PER_STATEMENT]);
    if (rowCount !== KEYS_PER_STATEMENT) return;
  }
}

interface Changed {
  id: number;
  status: string;
  channel: string;
}

/**
 * Changes messages of the conversations that `find` gives, while nobody else adds to these or takes from them; tells
 * how many conversations that were, and what `change` did.
 */
async function inTurn(
  pool: pg.Pool,
  find: { name: string; text: string },
  values: unknown[],
  change: (connection: pg.ClientBase, conversationIds: number[]) => Promise<Changed[]>,
): Promise<{ touched: number; changed: Changed[] }> {
  const { rows } = await pool.query<{ conversation_id: number }>(find, values);
  if (rows.length === 0) return { touched: 0, changed: [] };
  const ids = rows.map((row) => row.conversation_id);
  const changed = await transaction(pool, async (connection) => {
    await lockConversations(connection, ids);
    const changes = await change(connection, ids);
    await activateNext(connection, ids);
    return changes;
  });
  return { touched: ids.length, changed };
}
