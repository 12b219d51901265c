import type pg from 'pg';

/**
 * Whose turn it is within a conversation: of its pending messages only the first has a `next_attempt_at`, so a
 * worker never sees those that have to wait. Both functions run inside the caller's transaction.
 */

const LOCK = {
  name: 'lock-conversations',
  text: 'select id from conversations where id = any($1::bigint[]) order by id for no key update',
};

const RELEASE = { name: 'release-first', text: 'select release_first($1)' };

/**
 * Keeps everyone else from adding to, or taking from, these conversations until the commit. Rows are locked in the
 * order of their ids by every writer, so that two never wait for each other.
 */
export async function lockConversations(connection: pg.ClientBase, ids: number[]): Promise<void> {
  await connection.query(LOCK, [ids]);
}

/** Gives the first pending message of each conversation its turn, where it has not got it yet. */
export async function releaseFirst(connection: pg.ClientBase, ids: number[]): Promise<void> {
  await connection.query(RELEASE, [ids]);
}
