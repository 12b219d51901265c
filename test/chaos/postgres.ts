import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EmbeddedDatabase, startEmbedded } from '../../src/service/local/embedded.ts';
import { until } from '../support/until.ts';
import { kill, killOnExit } from './processes.ts';

export interface ChaosDatabase {
  url: string;
  /** Stops PostgreSQL with an immediate shutdown, which causes crash recovery, and starts it on the same port. */
  crash(onDown: () => void): Promise<void>;
  stop(): Promise<void>;
}

export async function startDatabase(directory: string): Promise<ChaosDatabase> {
  let embedded: EmbeddedDatabase = await startEmbedded(directory);
  let pid = await postmaster(directory);
  const { url } = embedded;
  const port = Number(new URL(url).port);
  return {
    url,
    crash: async (onDown) => {
      onDown();
      kill(pid, 'SIGQUIT');
      await until(() => !kill(pid, 0), 'PostgreSQL is down', 30_000);
      embedded = await startEmbedded(directory, { port });
      pid = await postmaster(directory);
    },
    stop: () => embedded.stop(),
  };
}

async function postmaster(directory: string): Promise<number> {
  const file = await readFile(join(directory, 'postgres', 'postmaster.pid'), 'utf8');
  const pid = Number(file.split('\n')[0]);
  // SIGQUIT is an immediate shutdown; SIGKILL would leave shared memory behind.
  killOnExit(pid, 'SIGQUIT');
  return pid;
}
