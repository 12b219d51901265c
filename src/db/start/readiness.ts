import { UnavailableError } from '../../errors.ts';
import { shareRunning } from '../batch/share-running.ts';
import { isMigrated } from '../migrate.ts';
import type { Database } from '../pools.ts';
import { createWriteCheck } from './write-check.ts';

/**
 * Returns a function that checks whether the database can be written to and has the schema of this version.
 *
 * The function throws `UnavailableError` if not.
 */
export function createDatabaseCheck(database: Database): () => Promise<void> {
  const assertWritable = createWriteCheck((text) => database.probe.raw(text));
  const migrated = shareRunning(() => isMigrated(database));
  return async () => {
    await assertWritable();
    if (!(await migrated())) throw new UnavailableError('Migrations are missing.');
  };
}
