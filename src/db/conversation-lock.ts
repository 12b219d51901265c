import type pg from 'pg';
import { storedFunction } from './functions.ts';

const LOCK = {
  name: 'lock-conversations',
  text: 'select id from conversations where id = any($1::bigint[]) order by id for no key update',
};

const ACTIVATE = {
  name: 'activate-next-delivery',
  text: `select ${storedFunction('activate_next_delivery')}($1)`,
};

/**
 * Locks conversations until the end of the caller's transaction, so that no other transaction adds or settles their
 * messages. Every writer locks in the order of the ids, so that transactions do not deadlock.
 */
export async function lockConversations(connection: pg.ClientBase, ids: number[]): Promise<void> {
  await connection.query(LOCK, [ids]);
}

/**
 * Activates the first pending delivery of each conversation in the caller's transaction, unless a delivery of the conversation
 * is active already.
 */
export async function activateNext(connection: pg.ClientBase, ids: number[]): Promise<void> {
  await connection.query(ACTIVATE, [ids]);
}
