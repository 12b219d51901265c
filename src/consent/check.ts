import type pg from 'pg';
import { storedFunction } from '../db/functions.ts';
import { knexOver } from '../db/pools.ts';
import { execute } from '../db/transaction.ts';
import type { Schema } from '../openapi/types.ts';
import type { HashAddress } from './key.ts';
import { suppressionsByIds } from './present.ts';

/** A message that would be sent. The addresses are normalised. */
export interface CheckedMessage {
  from: string;
  recipients: readonly string[];
  purpose: NonNullable<Schema<'MessagePurpose'>>;
}

/** A recipient to whom the message must not be sent. */
export interface SuppressedRecipient {
  /** The index in `recipients`. */
  index: number;
  /** The entries that stop the message, the entry with the widest scope first. */
  suppressions: [Schema<'Suppression'>, ...Schema<'Suppression'>[]];
}

/**
 * Checks messages against the ledger of suppressions. Resolves with the suppressed recipients of each message, in the order of the
 * messages.
 *
 * @throws {UnavailableError} if the database is unavailable.
 */
export type CheckLedger = (messages: readonly CheckedMessage[]) => Promise<SuppressedRecipient[][]>;

const FIND = {
  name: 'find-suppressions',
  text: `select n, suppression_id from ${storedFunction('find_suppressions')}($1, $2, $3)`,
};

interface Found {
  /** The number of the recipient among those of all messages, from 1. */
  n: number;
  suppression_id: number;
}

export function createLedgerCheck(pool: pg.Pool, hashAddress: HashAddress): CheckLedger {
  const knex = knexOver(pool);
  return async (messages) => {
    const recipients = messages.flatMap(({ from, purpose, recipients }, message) =>
      recipients.map((address, index) => ({ message, index, address, from, purpose })),
    );
    if (recipients.length === 0) return messages.map(() => []);
    const { rows } = await execute<Found>(pool, FIND, [
      recipients.map(({ address }) => Buffer.from(hashAddress(address), 'hex')),
      recipients.map(({ from }) => from),
      recipients.map(({ purpose }) => purpose),
    ]);
    if (rows.length === 0) return messages.map(() => []);
    const entries = await suppressionsByIds(knex, [...new Set(rows.map((row) => row.suppression_id))]);
    const suppressed = messages.map((): SuppressedRecipient[] => []);
    for (const [n, found] of Map.groupBy(rows, (row) => row.n)) {
      const { message, index } = recipients[n - 1] as (typeof recipients)[number];
      // An entry that was removed meanwhile is missing.
      const [first, ...others] = found.flatMap((row) => entries.get(row.suppression_id) ?? []);
      if (first) suppressed[message]?.push({ index, suppressions: [first, ...others] });
    }
    return suppressed;
  };
}
