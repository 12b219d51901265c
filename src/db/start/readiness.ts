import { UnavailableError } from '../../errors.ts';
import { shareRunning } from '../batch/share-running.ts';
import { isMigrated } from '../migrate.ts';
import type { Database } from '../pools.ts';
import { createWriteCheck } from './write-check.ts';

/**
 * Returns a function that throws `UnavailableError` if the database cannot be written to, or lacks migrations of this
 * version.
 */
export function createDatabaseCheck(database: Database): () => Promise<void> {
  const assertWritable = createWriteCheck((text) => database.probe.raw(text));
  const migrated = shareRunning(() => isMigrated(database));
  return async () => {
    await assertWritable();
    if (!(await migrated())) throw new UnavailableError('Migrations are missing.');
  };
}
