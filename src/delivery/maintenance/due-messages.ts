import type pg from 'pg';
import { storedFunction } from '../../db/functions.ts';
import type { Events } from '../../observability/events.ts';
import { type Changed, changeConversations } from './change-conversations.ts';

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

/**
 * The error names the outcome of the last attempt, which is the reason why the message was not sent. A message that waits with an id
 * of a provider is partly sent: only the recipients who remain have failed.
 */
const EXPIRE = {
  name: 'expire-queued',
  text: `
    with expired as materialized (
      select message_id as expired_id, provider_message_id is not null and not may_have_been_sent as partly_sent,
        jsonb_build_object('code', 'expired', 'detail', 'The message expired' || coalesce((
          select '; the outcome of the last attempt was ' || outcome || ' (' || code || ')' from delivery_attempts
          where message_id = deliveries.message_id order by number desc limit 1), ' before the first attempt')) as expiry
      from deliveries
      where conversation_id = any($1::bigint[]) and status = 'queued' and expires_at <= statement_timestamp()
        and ${HAS_EXPIRED}
      for update
    ), partly as materialized (
      select ended.*
      from (select array_agg(expired_id) as ids, array_agg(expiry) as errors from expired where partly_sent) as open
      cross join lateral ${storedFunction('fail_open_recipients')}(ids, errors) as ended where ids is not null
    )
    update deliveries
    set status = coalesce(partly.status, case when may_have_been_sent then 'unknown' else 'failed' end),
        next_attempt_at = null, error = case when partly.message_id is null then expiry else partly.error end,
        updated_at = statement_timestamp()
    from expired left join partly on partly.message_id = expired_id
    where deliveries.message_id = expired_id
    returning deliveries.message_id as id, deliveries.status, channel`,
};

/**
 * Queues scheduled messages that are due, and ends queued messages that expired.
 *
 * @param limit max conversations for each of the two reasons.
 * @returns the number of changed conversations.
 */
export async function queueAndExpire(pool: pg.Pool, limit: number, events: Events): Promise<number> {
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
  for (const { id, ...message } of changed)
    if (message.status === 'failed' || message.status === 'unknown')
      events.gaveUp({ messageId: id, errorClass: 'expired', code: 'expired', ...message });
  return conversations;
}
