import { stringify } from 'csv-stringify/sync';
import type { Knex } from 'knex';
import { Suppression } from '../db/models/suppression.ts';
import type { Schema } from '../openapi/types.ts';

export interface ExportFilter {
  channel?: Schema<'Channel'> | undefined;
  reason?: Schema<'SuppressionReason'> | undefined;
}

/** The columns of an exported file. */
export const EXPORT_COLUMNS = [
  ...(['address', 'channel', 'scope', 'sender', 'reason', 'account', 'actor', 'note'] as const),
  ...(['created_at', 'updated_at'] as const),
];

/** Entries that are read at once. Each read has a bound, also if few of its entries match the filter. */
const PAGE_SIZE = 1_000;

/**
 * The entries as the texts of a CSV file, the oldest first, with one row for each reason. Entries of erased addresses are left
 * out. An entry that exists all the time is in the file once.
 *
 * @throws {UnavailableError} if the database is unavailable; before the first text, so that the response can still be an error.
 */
export async function* exportSuppressions(knex: Knex, filter: ExportFilter): AsyncGenerator<string> {
  let page = await readAfter(knex, 0);
  yield stringify([EXPORT_COLUMNS]);
  for (;;) {
    const rows = page.filter((row) => isExported(row, filter)).flatMap((row) => toRows(row, filter));
    if (rows.length > 0) yield stringify(rows);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_SIZE) return;
    page = await readAfter(knex, last.id);
  }
}

function readAfter(knex: Knex, id: number): Promise<Suppression[]> {
  return Suppression.query(knex).where('id', '>', id).orderBy('id').limit(PAGE_SIZE).execute();
}

function isExported({ address, channel }: Suppression, filter: ExportFilter): boolean {
  return address !== null && (filter.channel === undefined || channel === filter.channel);
}

/** The source and the note of an entry are those of its first reason. */
function toRows(entry: Suppression, { reason: wanted }: ExportFilter): (string | null)[][] {
  const { address, channel, scope, sender, account, actor, note } = entry;
  const times = [entry.created_at.toISOString(), entry.updated_at.toISOString()];
  return entry.reasons.flatMap((reason, index) => {
    if (wanted !== undefined && reason !== wanted) return [];
    const source = index === 0 ? [account, actor, note] : [null, null, null];
    return [[address, channel, scope, sender, reason, ...source, ...times]];
  });
}
