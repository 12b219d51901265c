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
  return { conversations: ids.length, changed: await changeLocked(pool, ids, change) };
}

/** Locks conversations, changes their deliveries and activates their next deliveries. */
export function changeLocked<T>(
  pool: pg.Pool,
  conversationIds: number[],
  change: (connection: pg.ClientBase, conversationIds: number[]) => Promise<T>,
): Promise<T> {
  return transaction(pool, async (connection) => {
    await lockConversations(connection, conversationIds);
    const changed = await change(connection, conversationIds);
    await activateNext(connection, conversationIds);
    return changed;
  });
}
