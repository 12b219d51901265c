import type { Knex } from 'knex';
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

/** A table of the entries that stop recipients, for the values of `ledgerValues`. */
export const FIND_SUPPRESSIONS = storedFunction('find_suppressions');

const FIND = {
  name: 'find-suppressions',
  text: `select n, suppression_id from ${FIND_SUPPRESSIONS}($1, $2, $3)`,
};

/** An entry that stops a recipient. */
export interface FoundSuppression {
  /** The number of the recipient among those of all messages, from 1. */
  n: number;
  suppression_id: number;
}

/** The hash, the sender and the purpose of each recipient of the messages, as the arguments of `find_suppressions`. */
export function ledgerValues(messages: readonly CheckedMessage[], hashAddress: HashAddress): unknown[] {
  const each = <T>(value: (message: CheckedMessage, address: string) => T) =>
    messages.flatMap((message) => message.recipients.map((address) => value(message, address)));
  return [
    each((_message, address) => Buffer.from(hashAddress(address), 'hex')),
    each(({ from }) => from),
    each(({ purpose }) => purpose),
  ];
}

/** The suppressed recipients of each message. An entry that was removed meanwhile is omitted. */
export async function readSuppressed(
  knex: Knex,
  messages: readonly CheckedMessage[],
  found: readonly FoundSuppression[],
): Promise<SuppressedRecipient[][]> {
  const suppressed = messages.map((): SuppressedRecipient[] => []);
  if (found.length === 0) return suppressed;
  const entries = await suppressionsByIds(knex, [...new Set(found.map((row) => row.suppression_id))]);
  const positions = messages.flatMap(({ recipients }, message) =>
    recipients.map((_address, index) => ({ message, index })),
  );
  for (const [n, rows] of Map.groupBy(found, (row) => row.n)) {
    const { message, index } = positions[n - 1] as (typeof positions)[number];
    const [first, ...others] = rows.flatMap((row) => entries.get(row.suppression_id) ?? []);
    if (first) suppressed[message]?.push({ index, suppressions: [first, ...others] });
  }
  return suppressed;
}

export function createLedgerCheck(pool: pg.Pool, hashAddress: HashAddress): CheckLedger {
  const knex = knexOver(pool);
  return async (messages) => {
    const { rows } = await execute<FoundSuppression>(pool, FIND, ledgerValues(messages, hashAddress));
    return readSuppressed(knex, messages, rows);
  };
}
