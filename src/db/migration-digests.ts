import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Knex } from 'knex';

export const MIGRATIONS_DIRECTORY = join(import.meta.dirname, '../../migrations');
const COMMENT = /\/\*[\s\S]*?\*\/|^\s*(?:\/\/|--).*$/gm;

const TABLE = `
  create table if not exists migration_digests (
    name text primary key,
    digest text not null
  )`;

/** Other migrations than those of this version created the tables, which cannot be upgraded. */
class ObsoleteTablesError extends Error {
  readonly code = 'OBSOLETE_TABLES';
}

/** Records the text of a migration in the transaction of the migration. */
export async function recordDigest(transaction: Knex, name: string): Promise<void> {
  await transaction.raw('insert into migration_digests values (?, ?)', [name, digestOf(name)]);
}

/**
 * Checks that the applied migrations are those of this version, or of a newer version, whose names are greater.
 *
 * @throws {ObsoleteTablesError} if the text of an applied migration has changed, or an older migration no longer exists.
 */
export async function assertDigests(knex: Knex, applied: string[]): Promise<void> {
  await knex.raw(TABLE);
  const { rows } = await knex.raw<{ rows: { name: string; digest: string }[] }>(
    'select name, digest from migration_digests',
  );
  const recorded = new Map(rows.map(({ name, digest }) => [name, digest]));
  const known = readdirSync(MIGRATIONS_DIRECTORY)
    .filter((file) => file.endsWith('.ts'))
    .sort();
  const last = known.at(-1) ?? '';
  for (const name of applied) {
    if (!known.includes(name) && name < last)
      throw new ObsoleteTablesError(`${name} does not exist any more`);
    if (known.includes(name) && recorded.get(name) !== digestOf(name))
      throw new ObsoleteTablesError(`${name} has changed`);
  }
}

/** The digest of the text without comments and white space, so that these can change after a release. */
function digestOf(name: string): string {
  const text = readFileSync(join(MIGRATIONS_DIRECTORY, name), 'utf8');
  return hash('sha256', text.replace(COMMENT, '').replace(/\s+/g, ''));
}
