declare module 'knex/lib/dialects/postgres/index.js' {
  import type { Knex } from 'knex';
  import type pg from 'pg';

  /** Knex documents that a dialect can be extended, but has no types for the dialects themselves. */
  export default class PostgresDialect extends Knex.Client {
    _query(connection: pg.Client, query: object): Promise<unknown>;
  }
}
