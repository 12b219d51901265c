import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EmbeddedDatabase, startEmbedded } from '../../src/local/embedded.ts';
import { until } from '../support/until.ts';
import { endsWithUs, kill } from './processes.ts';

export interface ChaosDatabase {
  url: string;
  /** PostgreSQL's immediate shutdown, which is as a crash to it, and a start on the same port. */
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
  // Its immediate shutdown: killed outright it would leave its shared memory behind.
  endsWithUs(pid, 'SIGQUIT');
  return pid;
}
