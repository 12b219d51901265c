import type { Config } from '../../config/config.ts';
import type { Events } from '../../observability/events.ts';
import { migrate } from '../migrate.ts';
import { type Database, openDatabase } from '../pools.ts';
import { explained, inspectDatabase, targetOf } from './preflight.ts';

export interface DatabaseLocation {
  url: string;
  /** The same database past a connection pooler. */
  directUrl: string;
  /** The variable that `url` comes from, for the error texts. */
  variable: string;
}

/**
 * Checks a database, opens it and brings its schema up to date; the stack closes it.
 *
 * @returns the database, and the names of the migrations that were missing.
 * @throws {StartError} with the remedy, if the database cannot be used.
 */
export async function openMigrated(
  { url, directUrl, variable }: DatabaseLocation,
  { databasePoolSize: poolSize }: Config,
  events: Events,
  onStep: (step: string) => void,
  stack: AsyncDisposableStack,
): Promise<{ database: Database; applied: string[] }> {
  onStep('Checking the database');
  const { sessions, limited } = await inspectDatabase(url, variable);
  if (sessions === 'shared') events.sessionsShared({ limited, direct: directUrl !== url });
  const directVariable = directUrl === url ? variable : 'DATABASE_DIRECT_URL';
  if (directUrl !== url) await inspectDatabase(directUrl, directVariable);
  const database = openDatabase(url, (error) => events.failed('database', error), { poolSize, sessions });
  stack.defer(database.close);
  onStep('Migrating the database');
  const applied = await explained(targetOf(directUrl, directVariable), () => migrate(directUrl));
  return { database, applied };
}
