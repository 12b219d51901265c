import type pg from 'pg';
import { storedFunction } from '../../db/functions.ts';
import type { Events } from '../../observability/events.ts';
import { type Changed, changeConversations } from './change-conversations.ts';

/**
 * How long a message must be due. A worker with the configuration of an earlier deployment does not have the accounts that a
 * later deployment added, and must leave their messages to the workers of that deployment.
 */
const IS_OVERDUE = `next_attempt_at <= statement_timestamp() - interval '10 minutes'`;
const MAX_CONVERSATIONS = 500;

/** Reads one index entry for each assigned account, and then only messages of removed accounts. */
const FIND_OF_REMOVED_ACCOUNTS = {
  name: 'find-of-removed-accounts',
  text: `
    with recursive assigned(channel, provider) as (
      (
        select channel, coalesce(provider, '') from deliveries
        where pending and next_attempt_at is not null order by channel, coalesce(provider, '') limit 1
      )
      union all
      select next.* from assigned cross join lateral (
        select deliveries.channel, coalesce(deliveries.provider, '') from deliveries
        where pending and next_attempt_at is not null
          and (deliveries.channel, coalesce(deliveries.provider, '')) > (assigned.channel, assigned.provider)
        order by deliveries.channel, coalesce(deliveries.provider, '') limit 1
      ) as next
    )
    select distinct conversation_id
    from assigned
    cross join (values (false), (true)) as kind(is_retry)
    cross join lateral (
      select conversation_id from deliveries
      where channel = assigned.channel and coalesce(provider, '') = assigned.provider
        and (attempt_count > 0) = kind.is_retry and ${IS_OVERDUE} and pending
      order by next_attempt_at limit $2
    ) as overdue
    where assigned.provider <> '' and assigned.provider <> all($1::text[])
    limit $2`,
};

const RECORD_LOST = {
  name: 'record-lost',
  text: `
    with lost as materialized (
      select message_id from deliveries
      where conversation_id = any($1::bigint[]) and ${IS_OVERDUE}
        and pending and provider <> all($2::text[]) and status = 'sending' for update
    )
    select ${storedFunction('record_lost_attempts')}(array_agg(message_id), null) from lost`,
};

const REASSIGN = {
  name: 'reassign-removed',
  text: `
    with assigned as materialized (
      select message_id as assigned_id, may_have_been_sent or status = 'sending' as may_have_been_accepted,
        provider_message_id is not null and not may_have_been_sent and status = 'queued' as partly_sent,
        jsonb_build_object('code', 'provider_removed',
          'detail', 'The account ' || provider || ', which sent the message to other recipients, is not configured any more') as removal
      from deliveries
      where conversation_id = any($1::bigint[]) and ${IS_OVERDUE}
        and pending and provider <> all($2::text[]) for update
    ), partly as materialized (
      select ended.*
      from (select array_agg(assigned_id) as ids, array_agg(removal) as errors from assigned where partly_sent) as open
      cross join lateral ${storedFunction('fail_open_recipients')}(ids, errors) as ended where ids is not null
    )
    update deliveries
    set provider = case when may_have_been_accepted or partly_sent then provider else (
          select account from unnest(accounts) with ordinality as listed(account, n)
          where account = any($2::text[]) order by n limit 1) end,
        -- Without a list, the worker that claims the message looks for an account.
        accounts = case when may_have_been_accepted or partly_sent or accounts && $2::text[] then accounts end,
        status = coalesce(partly.status, case when may_have_been_accepted then 'unknown' else 'queued' end),
        error = case when partly.message_id is not null then partly.error when may_have_been_accepted then jsonb_build_object('code', 'provider_removed',
          'detail', 'The message may have been sent by ' || deliveries.provider || ', which is not configured any more') else deliveries.error end,
        next_attempt_at = case when not may_have_been_accepted and not partly_sent then next_attempt_at end,
        updated_at = statement_timestamp()
    from assigned left join partly on partly.message_id = assigned_id
    where deliveries.message_id = assigned_id
    returning deliveries.message_id as id, deliveries.status, channel`,
};

/**
 * Ends the assignments to accounts that are not configured any more, 10 minutes after their messages were due: a message that
 * may have been sent becomes `unknown`; the recipients who remain of a partly sent message have failed; any other message may be
 * sent by another account that can send it.
 *
 * @param providers the configured accounts.
 * @returns the number of changed conversations.
 */
export async function reassignFromRemoved(
  pool: pg.Pool,
  providers: string[],
  events: Events,
): Promise<number> {
  const { conversations, changed } = await changeConversations(
    pool,
    FIND_OF_REMOVED_ACCOUNTS,
    [providers, MAX_CONVERSATIONS],
    async (connection, ids) => {
      await connection.query(RECORD_LOST, [ids, providers]);
      return (await connection.query<Changed>(REASSIGN, [ids, providers])).rows;
    },
  );
  for (const { id, ...message } of changed)
    if (message.status === 'unknown')
      events.gaveUp({ messageId: id, errorClass: 'account_problem', code: 'provider_removed', ...message });
  return conversations;
}
