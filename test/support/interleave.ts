import { execFileSync } from 'node:child_process';
import type { Knex } from 'knex';

const RUN = `
  const pg = require('pg');
  const client = new pg.Client({ connectionString: process.argv[1] });
  client.connect().then(() => client.query(process.argv[2])).then(() => client.end());`;

/**
 * Runs `work`. Before each statement of `knex`, commits the SQL that `change` returns for the statement on another
 * connection. The process blocks during the change, so that the statement is sent after the change.
 */
export async function interleave<T>(
  knex: Knex,
  url: string,
  change: (statement: string) => string | null,
  work: () => Promise<T>,
): Promise<T> {
  const onQuery = ({ sql }: { sql: string }) => {
    const text = change(sql);
    if (text) execFileSync(process.execPath, ['-e', RUN, url, text]);
  };
  knex.on('query', onQuery);
  try {
    return await work();
  } finally {
    knex.off('query', onQuery);
  }
}
