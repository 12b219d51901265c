import type { Knex } from 'knex';
import { SuppressionChange } from '../db/models/suppression.ts';
import { Cursors, DEFAULT_LIMIT, isId, type Page, type PageQuery } from '../openapi/page.ts';
import type { Schema } from '../openapi/types.ts';
import { type ParseAddress, readAddress } from './address.ts';
import type { HashAddress } from './key.ts';
import { presentChange } from './present.ts';

/**
 * The changes of the entries of an address, the newest first; also if the address was erased.
 *
 * @throws {InvalidRequestError} if the cursor or the address is not valid.
 */
export async function listHistory(
  knex: Knex,
  { hashAddress, parseAddress }: { hashAddress: HashAddress; parseAddress: ParseAddress },
  address: string,
  query: PageQuery,
): Promise<Page<Schema<'SuppressionChange'>>> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const hash = hashAddress(readAddress(parseAddress, '/path/address', address));
  const cursors = new Cursors<[number]>(`suppression history of ${hash}`, query, [isId]);
  const rows = await SuppressionChange.query(knex)
    .where('address_hash', Buffer.from(hash, 'hex'))
    .modify((builder) => {
      if (cursors.after) builder.where('id', '<', cursors.after[0]);
    })
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .withGraphFetched('receipt');
  const listed = rows.slice(0, limit);
  const last = rows.length > limit ? listed.at(-1) : undefined;
  return cursors.page(listed, last ? [last.id] : null, presentChange);
}
