import { readFile, readlink, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from '../errors.ts';
import type { Cluster } from './embedded-cluster.ts';
import { acquireOwnership, connectTo } from './embedded-owner.ts';
import { signal } from './processes.ts';

const STOP_TIMEOUT_MS = 30_000;
const RETRY_MS = 50;
/** The answer of a server that starts or stops, and of its port before and after. */
const NOT_NOW = ['57P01', '57P02', '57P03', 'ECONNREFUSED', 'ECONNRESET'];

/**
 * Waits until no server runs on the cluster. A server whose service was killed stops by itself; a server whose
 * supervisor was killed as well is stopped here.
 *
 * @throws {StartError} if another running service owns the server, or the server does not stop.
 */
export async function endPreviousServer(cluster: Cluster, onStep: (step: string) => void): Promise<void> {
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  let announced = false;
  for (;;) {
    const previous = await findServer(cluster);
    if (previous === null) return;
    if (!announced) onStep('Waiting until the PostgreSQL of the previous run has stopped');
    announced = true;
    const failure = await endUnowned(cluster, previous).catch((error: Error & { code?: string }) => error);
    if (failure instanceof StartError) throw failure;
    if (Date.now() > deadline || (failure && !isTransient(failure))) {
      const reason = failure ? `: ${failure.message}` : '';
      throw new StartError([
        `DATA_DIR: the PostgreSQL in ${cluster.directory} (process ${previous.pid}) does not stop${reason}`,
      ]);
    }
    await sleep(RETRY_MS);
  }
}

interface Previous {
  pid: number;
  port: number;
}

/** The server that runs on the cluster, or null. Removes the file of a server that has crashed. */
async function findServer({ directory }: Cluster): Promise<Previous | null> {
  const file = join(directory, 'postmaster.pid');
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  if (!pid || !signal(pid, 0)) return null;
  if (await isServerOf(directory, pid)) return { pid, port };
  // PostgreSQL itself would refuse to start if a process of this user has the id.
  await rm(file, { force: true });
  return null;
}

/** After a crash of the machine, another program may have the process id. A server works in its data directory. */
async function isServerOf(directory: string, pid: number): Promise<boolean> {
  const workingDirectory = await readlink(`/proc/${pid}/cwd`).catch((error: NodeJS.ErrnoException) => error);
  if (typeof workingDirectory === 'string') return workingDirectory === (await realpath(directory));
  // Without /proc the file is believed. A service that runs as root may lack the capability to read the directory of its
  // server, which has another user; the server of any other service has the user of the service.
  return workingDirectory.code === 'ENOENT' || process.getuid?.() === 0;
}

/** Stops a server that nobody owns. */
async function endUnowned(cluster: Cluster, { pid, port }: Previous): Promise<void> {
  const client = await connectTo(cluster, port);
  await acquireOwnership(cluster, client);
  await client.end();
  signal(pid, 'SIGINT');
}

function isTransient({ code, message }: Error & { code?: string }): boolean {
  return code === undefined ? /Connection terminated/.test(message) : NOT_NOW.includes(code);
}
