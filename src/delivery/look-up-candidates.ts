import type pg from 'pg';
import type { Claimed } from './claim.ts';

/** The candidate cannot be told from the messages that were sent this long before the look-up's message was accepted. */
const WINDOW = '5 minutes';
/** Max messages of the conversation that are compared. */
const MAX_COMPARED = 200;

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
          select id, "from", body from messages
          where conversation_id = $4 and id <> $1 and direction = 'outbound' order by id desc limit ${MAX_COMPARED}
        ) as other
        join deliveries on message_id = other.id
        where other."from" = $5 and other.body = $6 and provider_message_id is null and attempt_count > 0
          and deliveries.updated_at > $7::timestamptz - interval '${WINDOW}'
          and deliveries.status in ('queued', 'sending', 'unknown')
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
