import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Knex } from 'knex';

/**
 * The stored functions of this version are in a schema whose name has their digest. Each version of the service installs
 * and calls its own schema, so that several versions can run side by side.
 */
const DIRECTORY = join(import.meta.dirname, 'functions');
const PREFIX = 'messaging_functions_';
const UNUSED_DAYS = 7;
const USE_INTERVAL_MS = 60 * 60 * 1_000;

const SOURCES = readdirSync(DIRECTORY, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.sql'))
  .sort()
  .map((file) => readFileSync(join(DIRECTORY, file), 'utf8'));

export const FUNCTION_SCHEMA =
  PREFIX + createHash('sha256').update(SOURCES.join('\n')).digest('hex').slice(0, 16);

/** The qualified name of a stored function. */
export function storedFunction(name: string): string {
  return `${FUNCTION_SCHEMA}.${name}`;
}

/**
 * Installs the functions unless their schema exists. The definitions contain `set search_path from current`, so that the
 * functions keep the path of this transaction: the schema of the functions, then the schema of the tables.
 */
export async function installFunctions(knex: Knex): Promise<void> {
  await knex.transaction(async (transaction) => {
    // First, so that no other process drops the schema after the check below.
    await transaction.raw(USE);
    const { rows } = await transaction.raw<{ rows: { installed: boolean; tables: string }[] }>(
      'select to_regnamespace(?) is not null as installed, quote_ident(current_schema()) as tables',
      [FUNCTION_SCHEMA],
    );
    if (rows[0]?.installed) return;
    // A function may be created before the functions that it calls.
    await transaction.raw(`create schema ${FUNCTION_SCHEMA};
      set local search_path = ${FUNCTION_SCHEMA}, ${rows[0]?.tables}, pg_temp; set local check_function_bodies = off`);
    await transaction.raw(SOURCES.join('\n'));
  });
}

const USE = `
  insert into function_schemas (name) values ('${FUNCTION_SCHEMA}') on conflict (name) do update set used_at = now()`;

const DROP_UNUSED = `
  do $$
  declare
    unused text;
  begin
    for unused in
      delete from function_schemas
      where name like '${PREFIX}%' and name <> '${FUNCTION_SCHEMA}' and used_at < now() - interval '${UNUSED_DAYS} days'
      returning name
    loop
      execute format('drop schema if exists %I cascade', unused);
    end loop;
  end $$`;

/**
 * Records once an hour that this process uses its functions, and drops the schemas that no process has used for a week.
 *
 * @returns a function that stops the timer.
 */
export function keepFunctions(knex: Knex, onError: (error: unknown) => void): () => void {
  const keep = () =>
    knex
      .raw(USE)
      .then(() => knex.raw(DROP_UNUSED))
      .catch(onError);
  void keep();
  const timer = setInterval(keep, USE_INTERVAL_MS);
  return () => clearInterval(timer);
}
