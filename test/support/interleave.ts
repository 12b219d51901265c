import { execFileSync } from 'node:child_process';
import type { Knex } from 'knex';

const RUN = `
  const pg = require('pg');
  const client = new pg.Client({ connectionString: process.argv[1] });
  client.connect().then(() => client.query(process.argv[2])).then(() => client.end());`;

/**
 * Runs `work` and commits a change of another connection before each statement of `knex` for which `change` has one.
 * The process waits for the change, so that the statement is sent after it.
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
