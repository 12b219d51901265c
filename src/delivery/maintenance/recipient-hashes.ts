import type pg from 'pg';
import type { HashAddress } from '../../consent/key.ts';
import { transaction } from '../../db/transaction.ts';

const SLICE = 500;

/** Exported for a test of its plan. */
export const FIND_UNHASHED = {
  name: 'find-without-hashes',
  text: `
    select message_id, "to" || cc || bcc as recipients
    from deliveries join messages on messages.id = message_id
    where recipient_hashes is null and status in ('scheduled', 'queued', 'sending')
    order by message_id limit ${SLICE} for no key update of deliveries skip locked`,
};

const ADD = {
  name: 'add-recipient-hashes',
  text: `
    update deliveries set recipient_hashes = added.hashes
    from json_to_recordset($1) as added(message_id bigint, hashes bytea[])
    where deliveries.message_id = added.message_id`,
};

/**
 * Adds the hashes of the recipients to some messages of a version without hashes, which are not claimed before.
 *
 * @returns whether such messages remain.
 */
export async function addRecipientHashes(pool: pg.Pool, hashAddress: HashAddress): Promise<boolean> {
  return transaction(pool, async (connection) => {
    const { rows } = await connection.query<{ message_id: number; recipients: string[] }>(FIND_UNHASHED);
    if (rows.length === 0) return false;
    const added = rows.map(({ message_id, recipients }) => ({
      message_id,
      // The input format of bytea.
      hashes: recipients.map((address) => `\\x${hashAddress(address)}`),
    }));
    await connection.query(ADD, [JSON.stringify(added)]);
    return rows.length === SLICE;
  });
}
