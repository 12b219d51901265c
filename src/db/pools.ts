import knexFactory, { type Knex } from 'knex';
import PostgresDialect from 'knex/lib/dialects/postgres/index.js';
import pg from 'pg';
import { isReadTimeout } from './availability.ts';
import type { Sessions } from './start/pooler.ts';

/** Reads bigint as a number: ids and counts stay far below 2^53. */
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** The connections to the database: Knex for the models that read, and a pool for the prepared statements that write. */
export interface Database {
  knex: Knex;
  pool: pg.Pool;
  /** One connection for the readiness check only, so that the check never waits for requests. */
  probe: Knex;
  /** The number of connections of `knex`. */
  reads: number;
  url: string;
  close(): Promise<void>;
}

export interface DatabaseTimeouts {
  /** The `statement_timeout`, in milliseconds. */
  statementMs: number;
  /** Without a response for this long, the connection is closed, in milliseconds; longer than `statementMs`. */
  responseMs: number;
}

export interface DatabaseOptions {
  timeouts?: DatabaseTimeouts;
  /** The number of connections, of both pools of a `Database` together. */
  poolSize?: number;
  /** `shared` behind a pooler in transaction mode, where a setting of one client would apply to other clients too. */
  sessions?: Sessions;
}

const CONNECT_TIMEOUT_MS = 3_000;
/** If the readiness check gets no response for this long, the database is unavailable. */
const PROBE_TIMEOUT_MS = 5_000;
const TIMEOUTS: DatabaseTimeouts = { statementMs: 15_000, responseMs: 20_000 };
const POOL_SIZE = 16;
/** Share of the connections for writes. */
const WRITES = 3 / 8;
const NAME = 'messaging-service';
/** Callers get every failure as an error; Knex would also print it. */
const SILENT = { warn: ignore, error: ignore, deprecate: ignore, debug: ignore };

/** Creates the pools. The first query opens the first connection. */
export function openDatabase(
  url: string,
  onError: (error: Error) => void,
  { timeouts = TIMEOUTS, poolSize = POOL_SIZE, sessions = 'own' }: DatabaseOptions = {},
): Database {
  const { settings, prepare } = connectionOptions(url, timeouts, sessions);
  const writes = Math.max(1, Math.floor(poolSize * WRITES));
  const reads = Math.max(1, poolSize - writes);
  const knex = createKnex(settings, reads, prepare);
  const probe = createKnex({ ...settings, query_timeout: PROBE_TIMEOUT_MS }, 1, prepare);
  const pool = openPool(url, onError, { timeouts, poolSize: writes, sessions });
  return {
    ...{ knex, pool, probe, reads, url },
    close: async () => {
      await Promise.all([knex.destroy(), pool.end(), probe.destroy()]);
    },
  };
}

/** Creates a pool for prepared statements. The first query opens the first connection. */
export function openPool(
  url: string,
  onError: (error: Error) => void,
  { timeouts = TIMEOUTS, poolSize = POOL_SIZE, sessions = 'own' }: DatabaseOptions = {},
): pg.Pool {
  const { settings, prepare } = connectionOptions(url, timeouts, sessions);
  const pool = new pg.Pool({ ...settings, max: poolSize, onConnect: prepare });
  // A server that stops closes connections that this process is closing too.
  pool.on('error', (error) => pool.ending || onError(error));
  // Without a listener, the loss of a connection between two statements would end the process. The next statement fails.
  pool.on('connect', (connection) => connection.on('error', ignore));
  return pool;
}

function connectionOptions(url: string, timeouts: DatabaseTimeouts, sessions: Sessions) {
  const limited = sessions === 'own' && !url.includes('statement_timeout');
  return {
    settings: {
      connectionString: url,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: timeouts.responseMs,
      keepAlive: true,
      application_name: NAME,
    },
    prepare: limited ? limitStatements(timeouts.statementMs) : async () => undefined,
  };
}

/** One connection for migrations, without timeouts. */
export function openForMigrations(url: string): Knex {
  return createKnex({ connectionString: url, keepAlive: true, application_name: `${NAME}-migrations` }, 1);
}

/** Sets the timeout by a statement, because PgBouncer refuses the connection parameter. */
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
    log: SILENT,
  });
}

/** Knex over the connections of a pool, for the reads of a process that has no further connections. */
export function knexOver(pool: pg.Pool): Knex {
  return knexFactory({
    client: class extends Dialect {
      override acquireConnection(): Promise<pg.PoolClient> {
        return pool.connect();
      }
      override async releaseConnection(connection: pg.PoolClient & Disposed): Promise<void> {
        connection.release(connection.__knex__disposed !== undefined);
      }
    },
    log: SILENT,
  });
}

interface Disposed {
  __knex__disposed?: unknown;
}

/** Closes a connection after a read timeout; Knex itself would reuse the connection. */
class Dialect extends PostgresDialect {
  override async _query(connection: pg.Client & Disposed, query: object): Promise<unknown> {
    try {
      return await super._query(connection, query);
    } catch (error) {
      if (isReadTimeout(error)) connection.__knex__disposed = error;
      throw error;
    }
  }
}

function ignore(): void {}
