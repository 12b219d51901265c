import type { Events } from '../../observability/events.ts';
import { migrate } from '../migrate.ts';
import { type Database, openDatabase } from '../pools.ts';
import type { Sessions } from './pooler.ts';
import { explained, inspectDatabase, targetOf } from './preflight.ts';

export interface DatabaseLocation {
  url: string;
  /** The URL of the same database without a connection pooler. */
  directUrl: string;
  /** The name of the variable that contains `url`, for error texts. */
  variable: string;
}

/**
 * Checks, opens and migrates a database. Disposal of the stack closes the database.
 *
 * @param poolSize the number of connections for requests and deliveries.
 * @returns the database, its kind of sessions, and the names of the applied migrations.
 * @throws {StartError} with the remedy if the database cannot be used.
 */
export async function openMigrated(
  { url, directUrl, variable }: DatabaseLocation,
  poolSize: number,
  events: Events,
  onStep: (step: string) => void,
  stack: AsyncDisposableStack,
): Promise<{ database: Database; sessions: Sessions; applied: string[] }> {
  onStep('Checking the database');
  const { sessions, limited } = await inspectDatabase(url, variable);
  if (sessions === 'shared') events.sessionsShared({ limited, direct: directUrl !== url });
  const directVariable = directUrl === url ? variable : 'DATABASE_DIRECT_URL';
  if (directUrl !== url) await inspectDatabase(directUrl, directVariable);
  const database = openDatabase(url, (error) => events.failed('database', error), { poolSize, sessions });
  stack.defer(database.close);
  onStep('Migrating the database');
  const applied = await explained(targetOf(directUrl, directVariable), () => migrate(directUrl));
  return { database, sessions, applied };
}
