import type pg from 'pg';
import { storedFunction } from '../../db/functions.ts';
import { execute } from '../../db/transaction.ts';
import type { StoredObject } from '../../media/store.ts';
import type { Schema } from '../../openapi/types.ts';

/** The channel of the notifications that there are files to fetch. */
export const MEDIA_DUE = 'media_due';

/** A file that one worker fetches until the end of its lease. */
export interface Claimed {
  media_id: number;
  /** The number of this attempt, which identifies the lease. */
  attempt_count: number;
  source_url: string;
  /** The account that received the message. */
  account: string;
  /** The type that the webhook of the provider has declared. */
  content_type: string | null;
  name: string | null;
  /** The type of the message. */
  type: Schema<'Message'>['type'];
}

/** A file that was fetched and written to the store. */
export interface FetchedFile {
  object: StoredObject;
  contentType: string;
  name: string | null;
}

const CLAIM = {
  name: 'claim-media-fetches',
  text: `select * from ${storedFunction('claim_media_fetches')}($1, $2, $3)`,
};
const SETTLE = {
  name: 'settle-media-fetch',
  text: `select ${storedFunction('settle_media_fetch')}($1, $2, $3, $4, $5, $6, $7, $8) as is_settled`,
};
const POSTPONE = {
  name: 'postpone-media-fetch',
  text: `
    update media_fetches
    set leased = false, attempt_count = attempt_count - $3, next_attempt_at = statement_timestamp() + $4 * interval '1 millisecond'
    where media_id = $1 and attempt_count = $2 and leased`,
};

/**
 * Claims due files, of each account the oldest first. Several workers never claim the same file.
 *
 * @param accountLimit max files of one account, with those in `held`.
 * @param held the accounts of the files that this worker fetches, one entry for each file.
 */
export async function claimFetches(
  pool: pg.Pool,
  accountLimit: number,
  held: readonly string[],
  leaseMs: number,
): Promise<Claimed[]> {
  const values = [accountLimit, held, leaseMs];
  return (await execute<Claimed & pg.QueryResultRow>(pool, CLAIM, values)).rows;
}

/** Records that the file is stored. Returns false, and changes nothing, if the lease has ended. */
export function settleStored(
  pool: pg.Pool,
  claimed: Claimed,
  { object, contentType, name }: FetchedFile,
): Promise<boolean> {
  return settle(pool, claimed, [object.id, contentType, object.size, object.sha256, name, null]);
}

/** Records that the file cannot be fetched. Returns false, and changes nothing, if the lease has ended. */
export function settleFailed(pool: pg.Pool, claimed: Claimed, error: Schema<'MediaError'>): Promise<boolean> {
  return settle(pool, claimed, [null, null, null, null, null, JSON.stringify(error)]);
}

async function settle(pool: pg.Pool, claimed: Claimed, values: unknown[]): Promise<boolean> {
  const { media_id, attempt_count } = claimed;
  const { rows } = await execute<{ is_settled: boolean }>(pool, SETTLE, [media_id, attempt_count, ...values]);
  return rows[0]?.is_settled ?? false;
}

/** Ends the lease; the next attempt is due after a delay, in milliseconds. */
export async function postponeFetch(pool: pg.Pool, claimed: Claimed, delayMs: number): Promise<void> {
  await execute(pool, POSTPONE, [claimed.media_id, claimed.attempt_count, 0, delayMs]);
}

/** Ends the lease of an attempt without a result, which does not count. */
export async function releaseFetch(pool: pg.Pool, claimed: Claimed, delayMs: number): Promise<void> {
  await execute(pool, POSTPONE, [claimed.media_id, claimed.attempt_count, 1, delayMs]);
}

/** Ends all leases. May be called only if no other process uses this database. */
export async function endFetchLeases(pool: pg.Pool): Promise<void> {
  await pool.query(
    'update media_fetches set leased = false, next_attempt_at = statement_timestamp() where leased',
  );
}
