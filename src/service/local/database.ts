import type { Config } from '../../config/config.ts';
import type { DatabaseLocation } from '../../db/start/open.ts';
import type { StartError } from '../../errors.ts';
import type { Events } from '../../observability/events.ts';
import { superviseEmbedded } from './supervised.ts';

export interface LocatedDatabase extends DatabaseLocation {
  /** Whether no other process uses the database. */
  exclusive: boolean;
  /** Resolves when the embedded database has ended and cannot be restarted. */
  failed: Promise<StartError>;
}

const NEVER = new Promise<StartError>(() => undefined);

/** Returns the configured database, or starts the embedded database, which one service at a time can use. */
export async function locateDatabase(
  { databaseUrl: url, databaseDirectUrl, dataDir }: Config,
  events: Events,
  onStep: (step: string) => void,
  stack: AsyncDisposableStack,
): Promise<LocatedDatabase> {
  if (url !== null)
    return {
      url,
      directUrl: databaseDirectUrl ?? url,
      variable: 'DATABASE_URL',
      exclusive: false,
      failed: NEVER,
    };
  const embedded = await superviseEmbedded(dataDir, {
    onStep,
    onExit: events.databaseExited,
    onRestart: events.databaseRestarted,
  });
  stack.defer(() => embedded.stop());
  return {
    url: embedded.url,
    directUrl: embedded.url,
    variable: 'DATA_DIR',
    exclusive: true,
    failed: embedded.failed,
  };
}
