import type pg from 'pg';
import { transaction } from '../../db/transaction.ts';
import { changeLocked } from './change-conversations.ts';

/** Max conversations of one step. */
const SLICE = 1_000;

/** The active or first pending delivery of the next conversations after `$1`, with one index lookup for each. */
const FIND_HEADS = {
  name: 'find-heads',
  text: `
    with recursive head as (
      (select conversation_id, next_attempt_at from deliveries
       where pending and conversation_id > $1 order by conversation_id, next_attempt_at is null, message_id limit 1)
      union all
      select next.conversation_id, next.next_attempt_at
      from head
      cross join lateral (
        select conversation_id, next_attempt_at from deliveries
        where pending and conversation_id > head.conversation_id
        order by conversation_id, next_attempt_at is null, message_id limit 1
      ) as next
    )
    select conversation_id, next_attempt_at is null as is_waiting from head limit ${SLICE}`,
};

/**
 * Activates the first pending message of conversations without an active message, which is the case after the active message
 * was deleted from the database.
 *
 * @returns a function that handles the next `SLICE` conversations, and resolves with whether conversations remain.
 */
export function createHeadActivation(pool: pg.Pool): () => Promise<boolean> {
  let last = 0;
  return async () => {
    const { rows: heads } = await transaction(pool, (connection) =>
      connection.query<{ conversation_id: number; is_waiting: boolean }>(FIND_HEADS, [last]),
    );
    const waiting = heads.filter(({ is_waiting }) => is_waiting).map((head) => head.conversation_id);
    if (waiting.length > 0) await changeLocked(pool, waiting, async () => undefined);
    last = heads.length === SLICE ? (heads.at(-1)?.conversation_id ?? 0) : 0;
    return last > 0;
  };
}
