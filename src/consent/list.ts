import type { Knex } from 'knex';
import { raw } from 'objection';
import { Suppression } from '../db/models/suppression.ts';
import { Cursors, DEFAULT_LIMIT, isId, type Page, type PageQuery } from '../openapi/page.ts';
import type { Schema } from '../openapi/types.ts';
import { type ParseAddress, readQueryAddress, senderKey } from './address.ts';
import type { HashAddress } from './key.ts';
import { presentSuppression } from './present.ts';

export interface SuppressionQuery extends PageQuery {
  address?: string | undefined;
  channel?: Schema<'Channel'> | undefined;
  scope?: Schema<'SuppressionScope'> | undefined;
  sender?: string | undefined;
  reason?: Schema<'SuppressionReason'> | undefined;
}

interface Bounds {
  /** Only ids below this id. */
  before: number;
  count: number;
}

const CHANNELS = ['sms', 'email'];
export const SCOPES: readonly string[] = ['all', 'channel', 'sender'];
export const REASONS: readonly string[] = [
  'stop_keyword',
  'provider_opt_out',
  'complaint',
  'hard_bounce',
  'manual',
  'unsubscribe',
];

/**
 * The entries that match all filters, the newest first.
 *
 * @throws {InvalidRequestError} if the cursor, the address or the sender is not valid.
 */
export async function listSuppressions(
  knex: Knex,
  { hashAddress, parseAddress }: { hashAddress: HashAddress; parseAddress: ParseAddress },
  query: SuppressionQuery,
): Promise<Page<Schema<'Suppression'>>> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const cursors = new Cursors<[number]>('suppressions', query, [isId]);
  const filter = { ...query };
  if (query.sender !== undefined)
    filter.sender = senderKey(readQueryAddress(parseAddress, '/query/sender', query.sender));
  const hash =
    query.address === undefined
      ? null
      : hashAddress(readQueryAddress(parseAddress, '/query/address', query.address));
  const bounds = { before: cursors.after?.[0] ?? Number.MAX_SAFE_INTEGER, count: limit + 1 };
  const ids = await (hash === null ? findIds(knex, filter, bounds) : findIdsOf(knex, hash, filter, bounds));
  const listed = ids.slice(0, limit);
  const rows = await Suppression.query(knex)
    .whereIn('id', listed)
    .orderBy('id', 'desc')
    .withGraphFetched('receipt');
  const last = ids.length > limit ? listed.at(-1) : undefined;
  return cursors.page(rows, last === undefined ? null : [last], (row) =>
    presentSuppression(row, row.receipt),
  );
}

/** The entries of one address. */
async function findIdsOf(
  knex: Knex,
  hash: string,
  { channel, scope, sender, reason }: SuppressionQuery,
  { before, count }: Bounds,
): Promise<number[]> {
  const rows = await Suppression.query(knex)
    .select('id')
    .where('address_hash', Buffer.from(hash, 'hex'))
    .where('id', '<', before)
    .modify((builder) => {
      if (channel !== undefined) builder.where({ channel });
      if (scope !== undefined) builder.where({ scope });
      if (sender !== undefined) builder.where({ sender });
      if (reason !== undefined) builder.where(raw('reasons[1]'), reason);
    })
    .orderBy('id', 'desc')
    .limit(count);
  return rows.map(({ id }) => id);
}

/**
 * Reads at most `count` entries of each combination of channel, scope and reason from the index, so that a filter which few
 * entries match does not scan the ledger.
 */
async function findIds(
  knex: Knex,
  { channel, scope, sender, reason }: SuppressionQuery,
  bounds: Bounds,
): Promise<number[]> {
  if (sender !== undefined && scope !== undefined && scope !== 'sender') return [];
  const isFiltered = [channel, scope, sender, reason].some((given) => given !== undefined);
  const { rows } = await knex.raw<{ rows: { id: number }[] }>(
    isFiltered ? (sender === undefined ? BY_SCOPE : BY_SENDER) : NEWEST,
    {
      ...bounds,
      channels: channel === undefined ? CHANNELS : [channel],
      scopes: sender !== undefined ? ['sender'] : scope === undefined ? SCOPES : [scope],
      reasons: reason === undefined ? REASONS : [reason],
      sender: sender ?? null,
    },
  );
  return rows.map(({ id }) => id);
}

const NEWEST = 'select id from suppressions where id < :before order by id desc limit :count';

/**
 * Without equations, because the planner would then use the order of the primary key, and read entries that do not match.
 *
 * @param columns the first two columns of the index; the third and fourth are the reason and the id.
 * @param values the values of these columns.
 */
const matching = (columns: string, values: string, condition: string) => `
  select found.id
  from unnest(:channels::text[]) as channels (value)
  cross join unnest(:scopes::text[]) as scopes (value)
  cross join unnest(:reasons::text[]) as reasons (value)
  cross join lateral (
    select id from suppressions
    where ${condition} and (${columns}, (suppressions.reasons[1])) >= (${values}, reasons.value)
      and (${columns}, (suppressions.reasons[1]), id) < (${values}, reasons.value, :before)
    order by ${columns.replace(',', ' desc,')} desc, (suppressions.reasons[1]) desc, id desc limit :count
  ) as found
  order by found.id desc limit :count`;
const BY_SCOPE = matching('channel, scope', 'channels.value, scopes.value', 'true');
const BY_SENDER = matching('sender, channel', ':sender, channels.value', 'sender is not null');
