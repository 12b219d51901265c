import type { HashAddress } from '../../src/consent/key.ts';
import { storedFunction } from '../../src/db/functions.ts';
import type { Schema } from '../../src/openapi/types.ts';
import { query } from './database.ts';
import { hashAddress as hashOfTests } from './harness.ts';

interface Entry {
  reason?: Schema<'SuppressionReason'>;
  scope?: Schema<'SuppressionScope'>;
  sender?: string;
}

/** Adds a reason to an entry of the ledger, as the service does; by default STOP for the channel. */
export function suppress(
  databaseUrl: string,
  address: string,
  entry: Entry = {},
  hashAddress = hashOfTests,
): Promise<void> {
  return change(databaseUrl, 'add', address, entry, hashAddress);
}

/** Removes a reason, by default STOP. */
export function restore(databaseUrl: string, address: string, entry: Entry = {}): Promise<void> {
  return change(databaseUrl, 'remove', address, entry, hashOfTests);
}

async function change(
  databaseUrl: string,
  kind: 'add' | 'remove',
  address: string,
  { reason = 'stop_keyword', ...entry }: Entry,
  hashAddress: HashAddress,
): Promise<void> {
  const channel = address.includes('@') ? 'email' : 'sms';
  const row = { n: 1, change: kind, address, address_hash: hashAddress(address), channel, reasons: [reason] };
  await query(databaseUrl, `select * from ${storedFunction('change_suppressions')}($1)`, [
    JSON.stringify([{ scope: 'channel', ...row, ...entry }]),
  ]);
}
