import type pg from 'pg';
import { availability, isReadTimeout, sqlState, statementError } from './availability.ts';

const MAX_ATTEMPTS = 5;

/**
 * Runs one statement in its own transaction, and repeats the statement after a deadlock or a serialization failure.
 *
 * @throws {UnavailableError} if the database is unavailable, or rows stay locked.
 */
export function execute<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  statement: { name: string; text: string },
  values: unknown[],
): Promise<pg.QueryResult<Row>> {
  return repeat(() =>
    pool.query<Row>(statement, values).catch((error) => {
      throw statementError(error);
    }),
  );
}

/** Repeats `work`, whose transaction was rolled back, after a retryable error. */
async function repeat<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !isRetryable(error)) throw error;
    }
  }
}

/** A serialization failure, a deadlock, or a statement that was prepared before a migration. */
function isRetryable(error: unknown): boolean {
  const { cause = error } = error as { cause?: unknown };
  return /^40(001|P01)$/.test(sqlState(cause) ?? '') || isStalePlan(cause);
}

/** The connection of such an error cannot execute the statement any more. */
function isStalePlan(error: unknown): boolean {
  return sqlState(error) === '0A000' && (error as Error).message.includes('cached plan');
}

/** Writes find their rows by an index. The planner would choose sequential scans while the tables are nearly empty. */
const BEGIN = 'begin; set local enable_seqscan = off';

/**
 * Runs `work` in a transaction on one connection. After a deadlock or a serialization failure, runs `work` again, so `work`
 * changes nothing but the database.
 *
 * @throws {UnavailableError} if the database is unavailable, or rows stay locked.
 */
export function transaction<T>(pool: pg.Pool, work: (connection: pg.PoolClient) => Promise<T>): Promise<T> {
  return repeat(() => runOnce(pool, work));
}

async function runOnce<T>(pool: pg.Pool, work: (connection: pg.PoolClient) => Promise<T>): Promise<T> {
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
    if (isReadTimeout(error) || isStalePlan(error)) broken = error as Error;
    if (!broken)
      await connection.query('rollback').catch((failure: Error) => {
        broken = failure;
      });
    throw availability(error);
  } finally {
    connection.release(broken);
  }
}
