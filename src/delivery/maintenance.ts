import type pg from 'pg';
import { activateNext, lockConversations } from '../db/conversation-lock.ts';
import { storedFunction } from '../db/functions.ts';
import { transaction } from '../db/pools.ts';
import type { Events } from '../observability/events.ts';

const QUEUE_AND_EXPIRE_EVERY_MS = 50;
const REASSIGN_EVERY_MS = 60_000;
const ACTIVATE_EVERY_MS = 30_000;
const DELETE_KEYS_EVERY_MS = 60_000;

/** When a message that may have been sent expires, it is reconciled once more; this takes at most a minute. */
const HAS_EXPIRED = `(not may_have_been_sent or expires_at <= statement_timestamp() - interval '1 minute')`;
const MUST_RECONCILE = `(may_have_been_sent and next_attempt_at > statement_timestamp())`;

const FIND_DUE_OR_EXPIRED = {
  name: 'find-due-or-expired',
  text: `
    (select conversation_id from deliveries
     where status = 'scheduled' and next_attempt_at <= statement_timestamp() order by next_attempt_at limit $1)
    union
    (select conversation_id from deliveries
     where status = 'queued' and expires_at <= statement_timestamp() and (${HAS_EXPIRED} or ${MUST_RECONCILE})
     order by expires_at limit $1)`,
};

const QUEUE = {
  name: 'queue-scheduled',
  text: `
    update deliveries set status = 'queued', next_attempt_at = null, updated_at = statement_timestamp()
    where conversation_id = any($1::bigint[]) and status = 'scheduled' and next_attempt_at <= statement_timestamp()`,
};

const RECONCILE = {
  name: 'reconcile-expired',
  text: `
    update deliveries set next_attempt_at = statement_timestamp()
    where conversation_id = any($1::bigint[]) and status = 'queued' and expires_at <= statement_timestamp()
      and ${MUST_RECONCILE}`,
};

/** The error names the outcome of the last attempt, which is the reason why the message was not sent. */
const EXPIRE = {
  name: 'expire-queued',
  text: `
    update deliveries
    set status = case when may_have_been_sent then 'unknown' else 'failed' end, next_attempt_at = null,
        error = json_build_object('code', 'expired', 'detail', 'The message expired' || coalesce((
          select '; the outcome of the last attempt was ' || outcome || ' (' || code || ')' from delivery_attempts
          where message_id = deliveries.message_id order by number desc limit 1), ' before the first attempt')),
        updated_at = statement_timestamp()
    where conversation_id = any($1::bigint[]) and status = 'queued' and expires_at <= statement_timestamp()
      and ${HAS_EXPIRED}
    returning message_id as id, status, channel`,
};

const FIND_OF_REMOVED_ACCOUNTS = {
  name: 'find-of-removed-accounts',
  text: `
    select distinct conversation_id from deliveries
    where next_attempt_at <= statement_timestamp() and pending and provider <> all($1::text[])`,
};

const FIND_WITHOUT_ACTIVE = {
  name: 'find-without-active',
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

const REASSIGN = {
  name: 'reassign-removed',
  text: `
    with assigned as materialized (
      select message_id as assigned_id, may_have_been_sent or status = 'sending' as may_have_been_accepted
      from deliveries
      where conversation_id = any($1::bigint[]) and next_attempt_at <= statement_timestamp()
        and pending and provider <> all($2::text[]) for update
    )
    update deliveries
    set provider = case when may_have_been_accepted then provider end,
        status = case when may_have_been_accepted then 'unknown' else 'queued' end,
        error = case when may_have_been_accepted then jsonb_build_object('code', 'provider_removed',
          'detail', 'The message may have been sent by ' || provider || ', which is not configured any more') else error end,
        next_attempt_at = case when not may_have_been_accepted then next_attempt_at end,
        updated_at = statement_timestamp()
    from assigned
    where message_id = assigned_id
    returning message_id as id, status, channel`,
};

/**
 * The periodic tasks of a worker.
 *
 * @param providers the configured accounts.
 * @param limit max conversations that are queued, and max that expire, in one run.
 * @returns a function that runs the tasks that are due, and returns how many conversations were changed.
 */
export function createMaintenance(
  pool: pg.Pool,
  providers: string[],
  limit: number,
  events: Events,
): () => Promise<number> {
  const tasks = [
    atMostEvery(QUEUE_AND_EXPIRE_EVERY_MS, () => queueAndExpire(pool, limit, events)),
    atMostEvery(DELETE_KEYS_EVERY_MS, () => deleteOldKeys(pool)),
    atMostEvery(REASSIGN_EVERY_MS, () => reassignFromRemoved(pool, providers, events)),
    atMostEvery(ACTIVATE_EVERY_MS, () => activateHeads(pool)),
  ];
  return async () => {
    let changed = 0;
    for (const task of tasks) changed += await task();
    return changed;
  };
}

/**
 * Queues scheduled messages that are due, and ends queued messages that expired.
 *
 * @param limit max conversations for each of the two reasons.
 * @returns how many conversations were changed.
 */
async function queueAndExpire(pool: pg.Pool, limit: number, events: Events): Promise<number> {
  const { conversations, changed } = await changeConversations(
    pool,
    FIND_DUE_OR_EXPIRED,
    [limit],
    async (connection, ids) => {
      await connection.query(QUEUE, [ids]);
      await connection.query(RECONCILE, [ids]);
      return (await connection.query<Changed>(EXPIRE, [ids])).rows;
    },
  );
  for (const { id, ...message } of changed) events.gaveUp({ messageId: id, code: 'expired', ...message });
  return conversations;
}

/**
 * Ends the assignments to accounts that are not configured any more: a message that may have been sent becomes `unknown`;
 * any other message may be sent by another account.
 *
 * @param providers the configured accounts.
 * @returns how many conversations were changed.
 */
async function reassignFromRemoved(pool: pg.Pool, providers: string[], events: Events): Promise<number> {
  const { conversations, changed } = await changeConversations(
    pool,
    FIND_OF_REMOVED_ACCOUNTS,
    [providers],
    async (connection, ids) => {
      await connection.query(RECORD_LOST, [ids, providers]);
      return (await connection.query<Changed>(REASSIGN, [ids, providers])).rows;
    },
  );
  for (const { id, ...message } of changed)
    if (message.status === 'unknown') events.gaveUp({ messageId: id, code: 'provider_removed', ...message });
  return conversations;
}

/**
 * Activates the first pending message of conversations without an active message, which is the case after the active message
 * was deleted from the database.
 *
 * @returns how many conversations were changed.
 */
async function activateHeads(pool: pg.Pool): Promise<number> {
  return (await changeConversations(pool, FIND_WITHOUT_ACTIVE, [], async () => [])).conversations;
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
async function deleteOldKeys(pool: pg.Pool): Promise<number> {
  for (let statements = 1; statements <= MAX_STATEMENTS; statements++) {
    const { rowCount } = await pool.query(DELETE_OLD_KEYS, [KEYS_PER_STATEMENT]);
    if (rowCount !== KEYS_PER_STATEMENT) break;
  }
  return 0;
}

/** Runs the work, or returns 0 if the last run began less than `ms` milliseconds ago. */
function atMostEvery(ms: number, work: () => Promise<number>): () => Promise<number> {
  let last = Number.NEGATIVE_INFINITY;
  return async () => {
    if (performance.now() - last < ms) return 0;
    last = performance.now();
    return work();
  };
}

interface Changed {
  id: number;
  status: string;
  channel: string;
}

/** Finds conversations, locks them, changes their deliveries and activates their next deliveries. */
async function changeConversations(
  pool: pg.Pool,
  find: { name: string; text: string },
  values: unknown[],
  change: (connection: pg.ClientBase, conversationIds: number[]) => Promise<Changed[]>,
): Promise<{ conversations: number; changed: Changed[] }> {
  const { rows } = await pool.query<{ conversation_id: number }>(find, values);
  if (rows.length === 0) return { conversations: 0, changed: [] };
  const ids = rows.map((row) => row.conversation_id);
  const changed = await transaction(pool, async (connection) => {
    await lockConversations(connection, ids);
    const changes = await change(connection, ids);
    await activateNext(connection, ids);
    return changes;
  });
  return { conversations: ids.length, changed };
}
