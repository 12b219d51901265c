import type pg from 'pg';
import { availability, isReadTimeout, sqlState, statementError } from './availability.ts';

const MAX_ATTEMPTS = 5;

/**
 * Runs one statement in its own transaction, and repeats the statement after a deadlock or a serialization failure.
 *
 * @throws {UnavailableError} if the database is unavailable.
 */
export async function execute<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  statement: { name: string; text: string },
  values: unknown[],
): Promise<pg.QueryResult<Row>> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await pool.query<Row>(statement, values);
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !isRetryable(error as { code?: string })) throw statementError(error);
    }
  }
}

/**
 * A serialization failure, a deadlock, or a statement that was prepared before a migration; the pool closes the connection
 * of such a statement.
 */
function isRetryable({ code = '', message = '' }: { code?: string; message?: string }): boolean {
  return /^40(001|P01)$/.test(code) || (code === '0A000' && message.includes('cached plan'));
}

/** Writes find their rows by an index. The planner would choose sequential scans while the tables are nearly empty. */
const BEGIN = 'begin; set local enable_seqscan = off';

/**
 * Runs `work` in a transaction on one connection.
 *
 * @throws {UnavailableError} if the database is unavailable.
 */
export async function transaction<T>(
  pool: pg.Pool,
  work: (connection: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const connection = await pool.connect().catch((error) => {
    throw availability(error);
  });
  let broken: Error | undefined;
  try {
    await connection.query(BEGIN);
    const result = await work(connection);
    await connection.query('commit').catch((error) => {
      if (sqlState(error) === undefined) broken = error;
      throw statementError(error);
    });
    return result;
  } catch (error) {
    if (isReadTimeout(error)) broken = error;
    if (!broken)
      await connection.query('rollback').catch((failure: Error) => {
        broken = failure;
      });
    throw availability(error);
  } finally {
    connection.release(broken);
  }
}
