import type pg from 'pg';
import { storedFunction } from '../db/functions.ts';
import { transaction } from '../db/transaction.ts';
import type { OptOutOptions } from './opt-outs.ts';

const EVERY_MS = 5_000;
const ROWS_PER_STEP = 200;

const FIND_UNAPPLIED = {
  name: 'find-unapplied-opt-outs',
  text: 'select id, address from opt_outs where applied_at is null order by id limit $1 for update',
};

const APPLY = {
  name: 'apply-recorded-opt-outs',
  text: `select ${storedFunction('apply_recorded_opt_outs')}($1)`,
};

/** The task that applies requests which the previous version of the service has recorded without a change of the ledger. */
export function applyRecordedOptOuts(pool: pg.Pool, { hashAddress, stopScope }: OptOutOptions) {
  const step = () =>
    transaction(pool, async (connection) => {
      const { rows } = await connection.query<{ id: number; address: string }>(FIND_UNAPPLIED, [
        ROWS_PER_STEP,
      ]);
      if (rows.length === 0) return false;
      const input = rows.map(({ id, address }) => ({
        ...{ id, address_hash: hashAddress(address), scope: stopScope },
      }));
      await connection.query(APPLY, [JSON.stringify(input)]);
      return rows.length === ROWS_PER_STEP;
    });
  return { everyMs: EVERY_MS, step };
}
