import { query } from './database.ts';
import type { Harness } from './harness.ts';

export interface Entry {
  scope: string;
  sender: string | null;
  reasons: string[];
  channel: string;
}

/** The entries of the ledger for an address. */
export function entriesOf({ databaseUrl }: Pick<Harness, 'databaseUrl'>, address: string): Promise<Entry[]> {
  return query(
    databaseUrl,
    'select scope, sender, reasons, channel from suppressions where address = $1 order by id',
    [address],
  );
}

/** The changes of the ledger for an address, each with its source. */
export async function changesOf(
  { databaseUrl }: Pick<Harness, 'databaseUrl'>,
  address: string,
): Promise<string[]> {
  const rows = await query<{ change: string; reason: string }>(
    databaseUrl,
    'select change, reason from suppression_changes where address = $1 order by id',
    [address],
  );
  return rows.map(({ change, reason }) => `${change} ${reason}`);
}

/** The ids and texts of the automatic replies to an address, the oldest first. */
export async function repliesTo(
  { databaseUrl }: Pick<Harness, 'databaseUrl'>,
  address: string,
): Promise<{ id: number; from: string; body: string }[]> {
  const rows = await query<{ id: string; from: string; body: string }>(
    databaseUrl,
    `select id, "from", body from messages where purpose = 'consent' and "to" = array[$1] order by id`,
    [address],
  );
  return rows.map(({ id, ...row }) => ({ id: Number(id), ...row }));
}
