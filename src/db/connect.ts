import knexFactory, { type Knex } from 'knex';
import pg from 'pg';
import { UnavailableError } from '../errors.ts';

/** bigint as a number: ids and counts stay far below 2^53. */
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** The two ways to the database: Objection's models on knex for reading, prepared statements on a pool for writing. */
export interface Database {
  knex: Knex;
  pool: pg.Pool;
  url: string;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 3_000;
const STATEMENT_TIMEOUT_MS = 15_000;

/** Opens the pools; no connection is made before the first query. */
export function openDatabase(url: string, onError: (error: Error) => void): Database {
  const settings = {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'messaging-service',
  };
  const knex = knexFactory({
    client: 'pg',
    connection: settings,
    pool: { min: 0, max: 10 },
    acquireConnectionTimeout: CONNECT_TIMEOUT_MS,
    // Every failure reaches the caller as an error; Knex would print it as well.
    log: { warn: ignore, error: ignore, deprecate: ignore, debug: ignore },
  });
  const pool = new pg.Pool({ ...settings, max: 6 });
  pool.on('error', onError);
  // One that is lost between two statements of a transaction has nobody else to tell; the next statement fails.
  pool.on('connect', (connection) => connection.on('error', ignore));
  return {
    knex,
    pool,
    url,
    close: async () => {
      await Promise.all([knex.destroy(), pool.end()]);
    },
  };
}

/** SQLSTATE of a transaction that lost to another one and may be tried again as it is. */
const LOST = /^40(001|P01)$/;
const TRIES = 5;

/**
 * Runs one statement, which is a transaction of its own; again where it lost to another one.
 *
 * @throws {UnavailableError} where the database is away.
 */
export async function execute<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  statement: { name: string; text: string },
  values: unknown[],
): Promise<pg.QueryResult<Row>> {
  for (let tries = 1; ; tries++) {
    try {
      return await pool.query<Row>(statement, values);
    } catch (error) {
      if (tries === TRIES || !LOST.test((error as { code?: string }).code ?? '')) throw availability(error);
    }
  }
}

/** What writes finds its rows by an index; statistics of tables that have only begun to fill would say otherwise. */
const BEGIN = 'begin; set local enable_seqscan = off';

/**
 * Runs `work` in a transaction on one connection.
 *
 * @throws {UnavailableError} where the database is away.
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
    await connection.query('commit');
    return result;
  } catch (error) {
    await connection.query('rollback').catch((failure: Error) => {
      broken = failure;
    });
    throw availability(error);
  } finally {
    connection.release(broken);
  }
}

/** SQLSTATE of a server that is away, stopping, starting, out of resources, or takes no connections. */
const AWAY = /^(08|53|57P0|55000)/;
const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
]);
const DRIVER =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Unable to acquire a connection|Timeout acquiring a connection|not queryable/;

/** The same error, as an `UnavailableError` where it says that the database is away. */
export function availability(error: unknown): unknown {
  const { code, message } = nativeError(error);
  const away = code === undefined ? DRIVER.test(message ?? '') : AWAY.test(code) || NETWORK.has(code);
  return away ? new UnavailableError('The database is not available.', { cause: error }) : error;
}

/** Objection wraps what the driver threw. */
function nativeError(error: unknown): { code?: string; message?: string } {
  const { nativeError: native = error } = error as { nativeError?: unknown };
  return native as { code?: string; message?: string };
}

function ignore(): void {}
