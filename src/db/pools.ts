import knexFactory, { type Knex } from 'knex';
import PostgresDialect from 'knex/lib/dialects/postgres/index.js';
import pg from 'pg';
import { UnavailableError } from '../errors.ts';
import type { Sessions } from './start/pooler.ts';

/** bigint as a number: ids and counts stay far below 2^53. */
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** The two ways to the database: Objection's models on knex for reading, prepared statements on a pool for writing. */
export interface Database {
  knex: Knex;
  pool: pg.Pool;
  /** One connection that only the readiness check uses, so that it never waits for requests. */
  probe: Knex;
  /** How many connections `knex` has. */
  reads: number;
  url: string;
  close(): Promise<void>;
}

export interface Patience {
  /** How long the server may work at one statement, in milliseconds. */
  statementMs: number;
  /** How long it may be silent before its connection is given up, in milliseconds: longer than for a statement. */
  silenceMs: number;
}

export interface DatabaseOptions {
  patience?: Patience;
  /** Connections of both pools together. */
  poolSize?: number;
  /** `shared` behind a pooler in transaction mode: a setting of one client would be another client's as well. */
  sessions?: Sessions;
}

const CONNECT_TIMEOUT_MS = 3_000;
/** A database that does not answer the readiness check for so long is unavailable. */
const PROBE_TIMEOUT_MS = 5_000;
const PATIENCE: Patience = { statementMs: 15_000, silenceMs: 20_000 };
const POOL_SIZE = 16;
/** The part of the connections that are for writes. */
const WRITES = 3 / 8;
const NAME = 'messaging-service';

/** Opens the pools; no connection is made before the first query. */
export function openDatabase(
  url: string,
  onError: (error: Error) => void,
  { patience = PATIENCE, poolSize = POOL_SIZE, sessions = 'own' }: DatabaseOptions = {},
): Database {
  const settings = {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: patience.silenceMs,
    keepAlive: true,
    application_name: NAME,
  };
  const limited = sessions === 'own' && !url.includes('statement_timeout');
  const prepare = limited ? limitStatements(patience.statementMs) : async () => undefined;
  const writes = Math.max(1, Math.floor(poolSize * WRITES));
  const reads = Math.max(1, poolSize - writes);
  const knex = createKnex(settings, reads, prepare);
  const probe = createKnex({ ...settings, query_timeout: PROBE_TIMEOUT_MS }, 1, prepare);
  const pool = new pg.Pool({ ...settings, max: writes, onConnect: prepare });
  let closing = false;
  // A server that stops ends connections that this process is closing.
  pool.on('error', (error) => closing || onError(error));
  // One that is lost between two statements of a transaction has nobody else to tell; the next statement fails.
  pool.on('connect', (connection) => connection.on('error', ignore));
  return {
    knex,
    pool,
    probe,
    reads,
    url,
    close: async () => {
      closing = true;
      await Promise.all([knex.destroy(), pool.end(), probe.destroy()]);
    },
  };
}

/** One connection for changes of the schema, without the limits of the service's other connections. */
export function openForMigrations(url: string): Knex {
  return createKnex({ connectionString: url, keepAlive: true, application_name: `${NAME}-migrations` }, 1);
}

/** A statement rather than a parameter of the connection, which PgBouncer would refuse. */
function limitStatements(milliseconds: number): (connection: pg.ClientBase) => Promise<void> {
  return async (connection) => void (await connection.query(`set statement_timeout = ${milliseconds}`));
}

function createKnex(
  connection: Knex.PgConnectionConfig,
  max: number,
  prepare: (connection: pg.ClientBase) => Promise<void> = async () => undefined,
): Knex {
  return knexFactory({
    client: Dialect,
    connection,
    pool: {
      min: 0,
      max,
      afterCreate: (created: pg.Client, done: (error: Error | null, connection: pg.Client) => void) => {
        prepare(created).then(
          () => done(null, created),
          (error) => done(error, created),
        );
      },
    },
    acquireConnectionTimeout: CONNECT_TIMEOUT_MS,
    // Every failure reaches the caller as an error; Knex would print it as well.
    log: { warn: ignore, error: ignore, deprecate: ignore, debug: ignore },
  });
}

/** The driver's word for a server that did not answer; the connection still waits for it. */
function isSilence(error: unknown): error is Error {
  return error instanceof Error && error.message === 'Query read timeout';
}

/** Knex would go on using a connection whose server no longer answers. */
class Dialect extends PostgresDialect {
  override async _query(
    connection: pg.Client & { __knex__disposed?: unknown },
    query: object,
  ): Promise<unknown> {
    try {
      return await super._query(connection, query);
    } catch (error) {
      if (isSilence(error)) connection.__knex__disposed = error;
      throw error;
    }
  }
}

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
      if (tries === TRIES || !mayBeTriedAgain(error as Failure)) throw availability(error);
    }
  }
}

interface Failure {
  code?: string;
  message?: string;
}

/** A transaction that lost to another one, or a statement prepared before a migration: the pool has dropped its connection. */
function mayBeTriedAgain({ code = '', message = '' }: Failure): boolean {
  return /^40(001|P01)$/.test(code) || (code === '0A000' && message.includes('cached plan'));
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
    if (isSilence(error)) broken = error;
    else
      await connection.query('rollback').catch((failure: Error) => {
        broken = failure;
      });
    throw availability(error);
  } finally {
    connection.release(broken);
  }
}

/**
 * SQLSTATE of a server that is away, stopping, starting, out of resources, takes no connections, does not get to a
 * statement in time, or may only be read from.
 */
const AWAY = /^(08|53|57P0|57014|55000|25006)/;
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
  /Query read timeout|Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Unable to acquire a connection|Timeout acquiring a connection|not queryable/;

/** The same error, as an `UnavailableError` where it says that the database is away. */
export function availability(error: unknown): unknown {
  const { code, message } = nativeError(error);
  const away = code === undefined ? DRIVER.test(message ?? '') : AWAY.test(code) || NETWORK.has(code);
  return away ? new UnavailableError('The database is not available.', { cause: error }) : error;
}

/** Objection wraps what the driver threw. */
function nativeError(error: unknown): Failure {
  const { nativeError: native = error } = error as { nativeError?: unknown };
  return native as Failure;
}

function ignore(): void {}
