import type pg from 'pg';
import type { Claimed } from '../claim.ts';

/** A look-up finds messages that were sent some time before its message was accepted, because clocks differ. */
const WINDOW = '5 minutes';
/** Longer than any message waits before its last attempt. */
const LONGEST_LIFE = '8 days';

const OWNERS = {
  name: 'look-up-candidates',
  text: `
    select
      array(
        select candidate from unnest($2::text[]) as candidate
        where not exists (
            select from deliveries where provider = $3 and provider_message_id = candidate and message_id <> $1)
          and not exists (
            select from delivery_receipts where provider = $3 and provider_message_id = candidate and message_id <> $1)
          -- An earlier send of the same message, before a manual retry.
          and not exists (select from delivery_attempts where message_id = $1 and provider_message_id = candidate)
      ) as free,
      exists (
        select from (
          select message_id from deliveries
          where pending and conversation_id = $4 and attempt_count > 0 and provider_message_id is null
          union all
          select message_id from deliveries
          where status = 'unknown' and conversation_id = $4 and provider_message_id is null
            and created_at > $7::timestamptz - interval '${LONGEST_LIFE}'
            and updated_at > $7::timestamptz - interval '${WINDOW}'
        ) as uncertain
        join messages on messages.id = message_id
        where message_id <> $1 and "from" = $5 and body = $6
      ) as is_ambiguous`,
};

/**
 * Chooses the only candidate that can be this message; null if there is none or several. A candidate that is known to be
 * another message does not count, and no candidate counts while an equal message of the conversation has no provider id.
 *
 * @param candidates the provider's ids of messages with the same sender, recipient and text.
 */
export async function chooseCandidate(
  pool: pg.Pool,
  account: string,
  message: Claimed,
  candidates: readonly string[],
): Promise<string | null> {
  if (candidates.length === 0) return null;
  const { id, conversation_id, from, body, created_at } = message;
  const { rows } = await pool.query<{ free: string[]; is_ambiguous: boolean }>(OWNERS, [
    ...[id, candidates, account, conversation_id, from, body, created_at],
  ]);
  const [first, ...others] = rows[0]?.free ?? [];
  return first === undefined || others.length > 0 || rows[0]?.is_ambiguous ? null : first;
}
