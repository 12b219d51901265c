import type pg from 'pg';
import { wasApplied } from '../db/action-keys.ts';
import { storedFunction } from '../db/functions.ts';
import { transaction } from '../db/transaction.ts';
import { ConflictError, NotFoundError } from '../errors.ts';
import { removeErasedObjects } from '../media/erased-objects.ts';
import type { MediaStore } from '../media/store.ts';
import type { IdempotencyKey } from '../openapi/types.ts';

const FIND = { name: 'find-message-to-redact', text: 'select from messages where id = $1' };
const LOCK_DELIVERY = {
  name: 'lock-delivery-to-redact',
  text: 'select status from deliveries where message_id = $1 for no key update',
};
const ERASE = {
  name: 'erase-message',
  text: `
    select exists (select from json_each_text(counts) where value <> '0') as is_changed
    from ${storedFunction('erase_contents')}(array[$1::bigint], true) as counts`,
};
const ADD_ACTION = {
  name: 'add-redaction',
  text: `
    insert into delivery_actions (message_id, action, from_status, actor)
    select id, 'redact', coalesce(status, case direction when 'inbound' then 'received' else 'unknown' end), $2
    from messages left join deliveries on message_id = id where id = $1`,
};
const STATUSES_TO_SEND = ['scheduled', 'queued', 'sending'];

export interface RedactionRequest {
  key: IdempotencyKey | undefined;
  /** The name of the API key; null without API keys. */
  actor: string | null;
}

/**
 * Erases the content of a message. Resolves with whether an earlier request with the same key has done so.
 *
 * @throws {NotFoundError} there is no message with this id.
 * @throws {ConflictError} the message is still to be sent.
 * @throws {IdempotencyKeyReusedError} the key was used for another request.
 */
export type Redact = (id: number, request: RedactionRequest) => Promise<boolean>;

export function createRedaction({ pool, store }: { pool: pg.Pool; store: MediaStore }): Redact {
  return async (id, request) => {
    const repeated = await transaction(pool, (connection) => redact(connection, id, request));
    // Without the database, a worker removes the objects later.
    await removeErasedObjects(pool, store).catch(() => undefined);
    return repeated;
  };
}

async function redact(
  connection: pg.ClientBase,
  id: number,
  { key, actor }: RedactionRequest,
): Promise<boolean> {
  const { rowCount } = await connection.query(FIND, [id]);
  if (rowCount === 0) throw new NotFoundError(`message ${id}`);
  if (key !== undefined && (await wasApplied(connection, 'redact', id, key))) return true;
  const { rows } = await connection.query<{ status: string }>(LOCK_DELIVERY, [id]);
  const status = rows[0]?.status ?? '';
  if (STATUSES_TO_SEND.includes(status)) {
    const wayOut = status === 'sending' ? 'Wait for its result.' : 'Cancel it first.';
    throw new ConflictError('not_redactable', `Message ${id} is ${status} and cannot be redacted. ${wayOut}`);
  }
  const { rows: erased } = await connection.query<{ is_changed: boolean }>(ERASE, [id]);
  if (erased[0]?.is_changed) await connection.query(ADD_ACTION, [id, actor]);
  return false;
}
