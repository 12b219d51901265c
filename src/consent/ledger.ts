import type pg from 'pg';
import { storedFunction } from '../db/functions.ts';
import type { Suppression } from '../db/models/suppression.ts';
import type { Database } from '../db/pools.ts';
import { execute, transaction } from '../db/transaction.ts';
import { NotFoundError } from '../errors.ts';
import type { Events } from '../observability/events.ts';
import type { PageQuery } from '../openapi/page.ts';
import type { Schema } from '../openapi/types.ts';
import {
  channelOf,
  type EntryKey,
  type GivenKey,
  type ParseAddress,
  readKey,
  readNewKey,
} from './address.ts';
import { type ExportFilter, exportSuppressions } from './export.ts';
import { listHistory } from './history.ts';
import { Importer } from './import/importer.ts';
import type { ImportResult } from './import/result.ts';
import type { HashAddress } from './key.ts';
import { listSuppressions, type SuppressionQuery } from './list.ts';
import { presentSuppression } from './present.ts';
import type { UnsubscribeLink } from './unsubscribe-links.ts';

export interface LedgerOptions {
  database: Pick<Database, 'knex' | 'pool'>;
  hashAddress: HashAddress;
  parseAddress: ParseAddress;
  /** Parses an RFC 3339 time; an error text for an invalid time. */
  parseTime: (text: string) => Date | string;
  events: Events;
  /** Called after the commit of a change, which has an event. */
  onChanged: () => void;
}

export type Ledger = ReturnType<typeof createLedger>;

/** The ledger of suppressions for requests. */
export function createLedger(options: LedgerOptions) {
  const { knex } = options.database;
  const importer = new Importer({ ...options, pool: options.database.pool });
  return {
    list: (query: SuppressionQuery) => listSuppressions(knex, options, query),
    history: (address: string, query: PageQuery) => listHistory(knex, options, address, query),
    put: (address: string, body: Schema<'NewSuppression'>, actor: string | null) =>
      putSuppression(options, address, body, actor),
    remove: (key: GivenKey, actor: string | null) => removeSuppression(options, key, actor),
    /** Unsubscribes the recipient of an email who used its link. Repeated requests change nothing. */
    unsubscribe: (link: UnsubscribeLink) => unsubscribe(options, link),
    import: (file: AsyncIterable<Buffer>, actor: string | null): Promise<ImportResult> =>
      importer.run(file, actor),
    export: (filter: ExportFilter) => exportSuppressions(knex, filter),
    /** Ends running imports after their present batch. */
    stop: () => importer.stop(),
  };
}

const CHANGE = {
  name: 'change-suppressions',
  text: `select changed from ${storedFunction('change_suppressions')}($1)`,
};
/** The entry, and whether the only change in its history made it. */
const FIND = {
  name: 'find-suppression',
  text: `
    select entry.*, provider_message_id, status, occurred_at, 1 = (
        select count(*) from (
          select from suppression_changes
          where suppression_changes.address_hash = entry.address_hash and suppression_id = entry.id limit 2
        ) as changes) as is_new
    from suppressions as entry left join delivery_receipts on delivery_receipts.id = receipt_id
    where address_hash = decode($1, 'hex') and scope = $2 and sender is not distinct from $3`,
};

const UNSUBSCRIBE = {
  name: 'unsubscribe',
  text: `select ${storedFunction('unsubscribe')}($1, decode($2, 'hex')) as changed`,
};

type FoundRow = Suppression &
  Pick<NonNullable<Suppression['receipt']>, 'provider_message_id' | 'status' | 'occurred_at'> & {
    is_new: boolean;
  };

/**
 * Adds a reason to an entry, which is made if there is none.
 *
 * @throws {InvalidRequestError} if the address or the sender is not valid.
 */
async function putSuppression(
  { database: { pool }, hashAddress, parseAddress, onChanged }: LedgerOptions,
  address: string,
  { scope = 'all', sender, reason = 'manual', note }: Schema<'NewSuppression'>,
  actor: string | null,
): Promise<{ isNew: boolean; suppression: Schema<'Suppression'> }> {
  const key = readNewKey(parseAddress, { address, scope, sender });
  const change = { ...toChange(key, hashAddress), change: 'add', reasons: [reason], actor, note };
  const { changed, entry } = await transaction(pool, async (connection) => {
    const { rows } = await connection.query<{ changed: boolean }>({
      ...CHANGE,
      values: [JSON.stringify([change])],
    });
    return { changed: rows[0]?.changed ?? false, entry: await findEntry(connection, change) };
  });
  if (changed) onChanged();
  const { is_new: isFirst, provider_message_id, status, occurred_at } = entry;
  const receipt = entry.receipt_id === null ? null : { provider_message_id, status, occurred_at };
  return { isNew: changed && isFirst, suppression: presentSuppression(entry, receipt) };
}

/** The change has locked the entry until the end of its transaction. */
async function findEntry(
  connection: pg.PoolClient,
  { address_hash, scope, sender }: ReturnType<typeof toChange>,
): Promise<FoundRow> {
  const { rows } = await connection.query<FoundRow>({ ...FIND, values: [address_hash, scope, sender] });
  return rows[0] as FoundRow;
}

/**
 * Removes an entry with all its reasons.
 *
 * @throws {NotFoundError} there is no such entry.
 * @throws {InvalidRequestError} if the address or the sender is not valid.
 */
async function removeSuppression(
  { database: { pool }, hashAddress, parseAddress, onChanged }: LedgerOptions,
  given: GivenKey,
  actor: string | null,
): Promise<void> {
  const key = readKey(parseAddress, given, '/query');
  const change = { ...toChange(key, hashAddress), change: 'remove', reasons: null, actor };
  const { rows } = await execute<{ changed: boolean }>(pool, CHANGE, [JSON.stringify([change])]);
  if (!rows[0]?.changed) throw new NotFoundError('suppression of this address with this scope and sender');
  onChanged();
}

async function unsubscribe(
  { database: { pool }, onChanged }: LedgerOptions,
  { key, addressHash }: UnsubscribeLink,
): Promise<void> {
  const { rows } = await execute<{ changed: boolean }>(pool, UNSUBSCRIBE, [key, addressHash]);
  if (rows[0]?.changed) onChanged();
}

function toChange({ address, scope, sender }: EntryKey, hashAddress: HashAddress) {
  return { n: 1, address_hash: hashAddress(address), address, channel: channelOf(address), scope, sender };
}
