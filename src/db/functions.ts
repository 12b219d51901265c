import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Knex } from 'knex';
import { shareRunning } from './batch/share-running.ts';

/**
 * The stored functions of this version are in a schema whose name has their digest. Each version of the service installs
 * and calls its own schema, so that several versions can run side by side.
 */
const DIRECTORY = join(import.meta.dirname, 'functions');
const PREFIX = 'messaging_functions_';
const UNUSED_DAYS = 7;
const KEEP_INTERVAL_MS = 60_000;

const SOURCES = readdirSync(DIRECTORY, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.sql'))
  .sort()
  .map((file) => readFileSync(join(DIRECTORY, file), 'utf8'));

export const FUNCTION_SCHEMA =
  PREFIX + createHash('sha256').update(SOURCES.join('\n')).digest('hex').slice(0, 16);

const NAMES = [...SOURCES.join('\n').matchAll(/^create or replace function (\w+)/gm)].map(
  ([, name]) => name as string,
);

/** SQL: whether all functions of this version exist. */
export const INSTALLED = `
  (select count(*) >= ${NAMES.length} from pg_proc where pronamespace = to_regnamespace('${FUNCTION_SCHEMA}'))`;

/** The functions of this version belong to tables in another schema of the database. */
class ForeignFunctionsError extends Error {
  readonly code = 'FOREIGN_FUNCTIONS';
}

/** The qualified name of a stored function. */
export function storedFunction(name: string): string {
  return `${FUNCTION_SCHEMA}.${name}`;
}

/**
 * Marks the functions as used, and installs them if one is missing. The definitions contain `set search_path from current`,
 * so that the functions keep the path of this transaction: the schema of the functions, then the schema of the tables.
 *
 * @throws {ForeignFunctionsError} if the functions belong to tables in another schema.
 */
export async function installFunctions(knex: Knex): Promise<void> {
  await knex.transaction(async (transaction) => {
    // First, so that no other process drops or installs the functions until the end of this transaction.
    await transaction.raw(USE);
    const { rows } = await transaction.raw<{
      rows: [{ path: string; installed: boolean; foreign: boolean }];
    }>(
      `select path, ${INSTALLED} as installed, exists (
         select from pg_proc where pronamespace = to_regnamespace('${FUNCTION_SCHEMA}')
           and not 'search_path=' || path = any(proconfig)) as foreign
       from concat_ws(', ', '${FUNCTION_SCHEMA}', quote_ident(current_schema()), 'pg_temp') as path`,
    );
    const [{ path, installed, foreign }] = rows;
    if (foreign) throw new ForeignFunctionsError(FUNCTION_SCHEMA);
    if (installed) return;
    // A function may be created before the functions that it calls.
    await transaction.raw(`create schema if not exists ${FUNCTION_SCHEMA};
      set local search_path = ${path}; set local check_function_bodies = off`);
    // Knex replaces an unescaped question mark.
    await transaction.raw(SOURCES.join('\n').replaceAll('?', '\\?'));
  });
}

/** Whether a statement failed because a function of this version is missing; also of an error with this cause. */
export function isMissingFunction(error: unknown): boolean {
  const { code, message = '', nativeError, cause } = error as Record<string, unknown> & { message?: string };
  if (code === '3F000') return message.includes(FUNCTION_SCHEMA);
  if (code === '42883') return NAMES.some((name) => message.includes(`${name}(`));
  const inner = nativeError ?? cause;
  return inner !== undefined && inner !== null && isMissingFunction(inner);
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

export interface FunctionKeeper {
  /** Installs the functions if one is missing. */
  install(): Promise<void>;
  /**
   * Once a minute, installs missing functions, records that this process uses its functions, and drops the schemas that no
   * process has used for a week.
   *
   * @returns a function that stops the timer.
   */
  start(): () => void;
}

export function createFunctionKeeper(knex: Knex, onError: (error: unknown) => void): FunctionKeeper {
  const install = shareRunning(() => installFunctions(knex).catch(onError));
  const keep = async () => {
    await install();
    await knex.raw(DROP_UNUSED).catch(onError);
  };
  return {
    install,
    start: () => {
      void keep();
      const timer = setInterval(keep, KEEP_INTERVAL_MS);
      return () => clearInterval(timer);
    },
  };
}
