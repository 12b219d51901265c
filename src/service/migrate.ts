import type { Config } from '../config/config.ts';
import { openMigrated } from '../db/start/open.ts';
import { createEvents } from '../observability/events.ts';
import type { Logger } from '../observability/logger.ts';
import { locateDatabase } from './local/database.ts';

/**
 * Runs the missing migrations and returns their names.
 *
 * @throws {StartError} for a reason that the operator can remove.
 */
export async function migrateDatabase(
  config: Config,
  logger: Logger,
  onStep: (step: string) => void = () => undefined,
): Promise<string[]> {
  await using stack = new AsyncDisposableStack();
  const events = createEvents(logger);
  const location = await locateDatabase(config, events, onStep, stack);
  const { applied } = await openMigrated(location, config.databasePoolSize, events, onStep, stack);
  return applied;
}
