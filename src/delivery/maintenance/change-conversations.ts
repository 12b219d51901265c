import type pg from 'pg';
import { activateNext, lockConversations } from '../../db/conversation-lock.ts';
import { transaction } from '../../db/transaction.ts';

export interface Changed {
  id: number;
  status: string;
  channel: string;
}

/** Finds conversations, locks them, changes their deliveries and activates their next deliveries. */
export async function changeConversations(
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

const FIND_WITHOUT_ACTIVE = {
  name: 'find-without-active',
  text: `
    select conversation_id
    from (
      select distinct on (conversation_id) conversation_id, next_attempt_at from deliveries
      where pending order by conversation_id, next_attempt_at is null, message_id
    ) as head
    where next_attempt_at is null limit 1000`,
};

/**
 * Activates the first pending message of conversations without an active message, which is the case after the active message
 * was deleted from the database.
 *
 * @returns the number of changed conversations.
 */
export async function activateHeads(pool: pg.Pool): Promise<number> {
  return (await changeConversations(pool, FIND_WITHOUT_ACTIVE, [], async () => [])).conversations;
}
