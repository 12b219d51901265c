import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type Running } from './process.ts';

/** The folder of the services that the tests of a suite start with `bin/start.sh`. */
export interface Home {
  directory: string;
  /** For the next service, with free ports. */
  environment: Record<string, string>;
  /** The service of the test, which ends after the test. */
  running: Running | undefined;
}

/**
 * Creates a folder for the tests of this suite. They have one data directory, because creating a database takes longer than starting
 * the service.
 */
export function useHome(): Home {
  const home: Home = { directory: '', environment: {}, running: undefined };
  before(async () => {
    home.directory = await mkdtemp(join(tmpdir(), 'messaging-home-'));
  });
  after(() => rm(home.directory, { recursive: true, force: true }));
  beforeEach(async () => {
    home.environment = {
      DATA_DIR: join(home.directory, 'data'),
      PORT: String(await freePort()),
      SIMULATOR_PORT: String(await freePort()),
    };
  });
  afterEach(async () => {
    const { running } = home;
    if (running?.child.exitCode === null && running.child.signalCode === null)
      await running.signal('SIGTERM');
    home.running = undefined;
  });
  return home;
}
