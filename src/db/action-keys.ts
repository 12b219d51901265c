import type pg from 'pg';
import { IdempotencyKeyReusedError } from '../errors.ts';
import type { IdempotencyKey } from '../openapi/types.ts';

/** A concurrent transaction with the same key waits for the end of this one. */
const USE = {
  name: 'use-idempotency-key',
  text: `
    insert into idempotency_keys (api_key_name, key, operation, message_id) values ($1, $2, $3, $4)
    on conflict do nothing`,
};

const FIND = {
  name: 'find-idempotency-key',
  text: 'select operation, message_id from idempotency_keys where api_key_name = $1 and key = $2',
};

/**
 * Records the key of an action on a message, in the transaction of the action. Returns whether an earlier request with the key has
 * applied the action.
 *
 * @throws {IdempotencyKeyReusedError} the key was used for another request.
 */
export async function wasApplied(
  connection: pg.ClientBase,
  action: 'cancel' | 'retry' | 'redact',
  messageId: number,
  { apiKeyName, key }: IdempotencyKey,
): Promise<boolean> {
  const { rowCount } = await connection.query(USE, [apiKeyName, key, action, messageId]);
  if (rowCount === 1) return false;
  const { rows } = await connection.query<{ operation: string; message_id: number }>(FIND, [apiKeyName, key]);
  if (rows[0]?.operation !== action || rows[0].message_id !== messageId)
    throw new IdempotencyKeyReusedError();
  return true;
}
