import type pg from 'pg';
import { execute } from '../../db/transaction.ts';
import type { Fault } from '../../errors.ts';
import type { Schema } from '../../openapi/types.ts';

/** The email that an email answers. */
export interface RepliedTo {
  subject: string | null;
}

/**
 * Finds the email that a message answers.
 *
 * @param uploader as of `FindMedia`: the fault for an API key without the scope `read` does not tell whether a message of another
 *   type has the id.
 * @returns null for a message that answers none; a fault if there is no such email.
 */
export type FindRepliedTo = (
  id: number | null,
  uploader: string | null,
) => Promise<{ email: RepliedTo | null; faults: Fault[] }>;

const FIND = { name: 'find-replied-to', text: 'select type, subject from messages where id = $1' };

/** The find of a service. It reads the database only for a message that answers an email. */
export function createFindRepliedTo(pool: pg.Pool): FindRepliedTo {
  return async (id, uploader) => {
    if (id === null) return { email: null, faults: [] };
    const { rows } = await execute<{ type: Schema<'MessageType'>; subject: string | null }>(pool, FIND, [id]);
    const [found] = rows;
    if (found?.type === 'email') return { email: { subject: found.subject }, faults: [] };
    const message = uploader === null ? reasonOf(id, found?.type) : `there is no email ${id}`;
    return { email: null, faults: [{ path: '/body/reply_to_message_id', message }] };
  };
}

function reasonOf(id: number, type: Schema<'MessageType'> | undefined): string {
  return type === undefined ? `there is no message ${id}` : `message ${id} is an ${type}, not an email`;
}
