import type pg from 'pg';
import { sqlState } from '../../db/availability.ts';
import { storedFunction } from '../../db/functions.ts';
import { execute } from '../../db/transaction.ts';
import { ConflictError, NotFoundError } from '../../errors.ts';
import type { Schema } from '../../openapi/types.ts';

const UPDATE = {
  name: 'update-conversation',
  text: `select ${storedFunction('update_conversation')}($1, $2) as id`,
};

const UNIQUE_VIOLATION = '23505';

/**
 * Changes the external id and the metadata of the primary conversation of a conversation. Omitted fields keep their values.
 *
 * @throws {NotFoundError}
 * @throws {ConflictError} if another conversation has the external id.
 */
export async function updateConversation(
  pool: pg.Pool,
  id: number,
  { external_id, metadata }: Schema<'ConversationUpdate'>,
): Promise<void> {
  const changes = JSON.stringify({ external_id, metadata });
  const { rows } = await execute<{ id: number | null }>(pool, UPDATE, [id, changes]).catch((error) => {
    if (external_id && sqlState(error) === UNIQUE_VIOLATION)
      throw new ConflictError(
        'external_id_taken',
        `Another conversation has the external_id ${external_id}.`,
      );
    throw error;
  });
  if (rows[0]?.id == null) throw new NotFoundError(`conversation ${id}`);
}
