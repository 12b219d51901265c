import type pg from 'pg';

/** Max deliveries that one step reads, or some more with the same time. */
const SLICE = 1_000;

/**
 * Reads the waiting retries of one account after `$3` by `deliveries_due_idx`, and makes those due that an operator error delays.
 * `updated_at`: a message that fails again after the start keeps its delay.
 */
const MAKE_DUE = {
  name: 'make-operator-errors-due',
  text: `
    with waiting as materialized (
      select message_id, next_attempt_at from deliveries
      where pending and channel = $1 and coalesce(provider, '') = $2 and (attempt_count > 0) = true
        and next_attempt_at > $3::timestamptz
      order by next_attempt_at fetch first ${SLICE} rows with ties
    ), delayed as (
      select message_id from deliveries
      where message_id = any(array(select message_id from waiting)) and status = 'queued' and not may_have_been_sent
        and error ->> 'class' in ('account_problem', 'sender_not_allowed')
        and next_attempt_at > statement_timestamp() and updated_at < $4::timestamptz
      for update skip locked
    ), changed as (
      update deliveries set next_attempt_at = statement_timestamp(), updated_at = statement_timestamp()
      where message_id in (select message_id from delayed)
    )
    select max(next_attempt_at)::text as last, count(*)::int as messages from waiting`,
};

const NOW = 'select statement_timestamp()::text as now';

interface Slice {
  last: string | null;
  messages: number;
}

/**
 * Makes messages due, once after the start, that wait because the provider refused the settings of an account: the settings may
 * have been corrected. A message that may have been sent keeps its delay.
 *
 * @param accounts the configured accounts.
 * @returns a step for some messages of one account, which resolves with whether messages remain.
 */
export function createRetryAfterStart(
  pool: pg.Pool,
  accounts: readonly { name: string; channel: string }[],
): () => Promise<boolean> {
  const channels = [...new Set(accounts.map(({ channel }) => channel))];
  // A message without an assigned account can be sent by any account of its channel.
  const remaining = [...accounts, ...channels.map((channel) => ({ name: '', channel }))];
  let start: string | null = null;
  let after: string | null = null;
  return async () => {
    const [account] = remaining;
    if (!account) return false;
    start ??= (await pool.query<{ now: string }>(NOW)).rows[0]?.now as string;
    const values = [account.channel, account.name, after ?? start, start];
    const [slice] = (await pool.query<Slice>(MAKE_DUE, values)).rows;
    after = (slice?.messages ?? 0) >= SLICE ? (slice?.last ?? null) : null;
    if (after === null) remaining.shift();
    return remaining.length > 0;
  };
}
