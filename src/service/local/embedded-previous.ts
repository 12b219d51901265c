import { readFile, readlink, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from '../../errors.ts';
import type { Cluster } from './embedded-cluster.ts';
import { acquireOwnership, connectTo } from './embedded-owner.ts';
import { signal } from './processes.ts';

const STOP_TIMEOUT_MS = 30_000;
const RETRY_MS = 50;
/** Errors while a server starts or stops, and of its port before and after. */
const TRANSIENT_CODES = ['57P01', '57P02', '57P03', 'ECONNREFUSED', 'ECONNRESET'];

/**
 * Waits until no server runs on the cluster. If only the service was killed, its server stops by itself. If the
 * supervisor was killed too, this function stops the server.
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
    const failure = await stopUnowned(cluster, previous).catch((error: Error & { code?: string }) => error);
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

/** The server that runs on the cluster, or null. Removes the `postmaster.pid` of a server that has crashed. */
async function findServer({ directory }: Cluster): Promise<Previous | null> {
  const named = await namedServer(directory);
  if (named === null || (await isServerOf(directory, named.pid))) return named;
  // PostgreSQL does not start while the file names the id of any process of this user.
  await rm(pidFile(directory), { force: true });
  return null;
}

/** The running process that `postmaster.pid` names, which may be another program after a crash of the machine; or null. */
export async function namedServer(directory: string): Promise<Previous | null> {
  const lines = (await readFile(pidFile(directory), 'utf8').catch(() => '')).split('\n');
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  return pid && signal(pid, 0) ? { pid, port } : null;
}

function pidFile(directory: string): string {
  return join(directory, 'postmaster.pid');
}

/**
 * Whether the process is the server of the directory, which is then its working directory. After a crash of the machine,
 * another program may have the process id.
 */
export async function isServerOf(directory: string, pid: number): Promise<boolean> {
  const workingDirectory = await readlink(`/proc/${pid}/cwd`).catch((error: NodeJS.ErrnoException) => error);
  if (typeof workingDirectory === 'string') return workingDirectory === (await realpath(directory));
  // Without /proc, `postmaster.pid` is taken as correct. Root in a container may lack the capability to read the working
  // directory of its server, because the server has another user. Without root, service and server have the same user,
  // so an unreadable process is not the server.
  return workingDirectory.code === 'ENOENT' || process.getuid?.() === 0;
}

/** Sends a server that no service owns the signal to stop. */
async function stopUnowned(cluster: Cluster, { pid, port }: Previous): Promise<void> {
  const client = await connectTo(cluster, port);
  await acquireOwnership(cluster, client);
  await client.end();
  signal(pid, 'SIGINT');
}

function isTransient({ code, message }: Error & { code?: string }): boolean {
  return code === undefined
    ? /Connection terminated|not queryable/.test(message)
    : TRANSIENT_CODES.includes(code);
}
