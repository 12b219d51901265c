declare module 'knex/lib/dialects/postgres/index.js' {
  import type { Knex } from 'knex';
  import type pg from 'pg';

  /** Knex documents its dialects as the classes to extend, and types only what they have in common. */
  export default class PostgresDialect extends Knex.Client {
    _query(connection: pg.Client, query: object): Promise<unknown>;
  }
}
