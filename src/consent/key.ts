import { createHmac, timingSafeEqual } from 'node:crypto';
import type pg from 'pg';
import { execute } from '../db/transaction.ts';
import { StartError, UnavailableError } from '../errors.ts';

/** Hashes a normalised address as the ledger has it, in hexadecimal. */
export type HashAddress = (address: string) => string;

/** @param key `CONSENT_KEY`, of any length: HMAC hashes a longer key. */
export function createAddressHash(key: string): HashAddress {
  return (address) => createHmac('sha256', key).update(address).digest('hex');
}

/** A text that no normalised address can be. */
const CONSTANT = 'messaging-service consent key';

const REGISTER = {
  name: 'register-consent-key',
  text: 'insert into consent_key (fingerprint) values ($1) on conflict do nothing',
};
const READ = { name: 'read-consent-key', text: 'select fingerprint from consent_key' };

/**
 * Checks that the key is that of the ledger. The first key becomes the key of the ledger.
 *
 * @throws {StartError} if the ledger has another key, so that no suppression would be found, or the database is unavailable.
 */
export async function checkConsentKey(pool: pg.Pool, key: string): Promise<void> {
  const fingerprint = Buffer.from(createAddressHash(key)(CONSTANT), 'hex');
  const stored = await register(pool, fingerprint).catch((error) => {
    if (!(error instanceof UnavailableError)) throw error;
    throw new StartError([`DATABASE_URL: ${error.message}`], { cause: error });
  });
  if (stored?.length === fingerprint.length && timingSafeEqual(stored, fingerprint)) return;
  throw new StartError([
    "CONSENT_KEY: is not the key of this database's ledger of suppressions, without which no suppression is found. Set the first key; without CONSENT_KEY, it is in the file consent-key of DATA_DIR.",
  ]);
}

/** The fingerprint of the ledger. */
async function register(pool: pg.Pool, fingerprint: Buffer): Promise<Buffer | undefined> {
  await execute(pool, REGISTER, [fingerprint]);
  return (await execute<{ fingerprint: Buffer }>(pool, READ, [])).rows[0]?.fingerprint;
}
