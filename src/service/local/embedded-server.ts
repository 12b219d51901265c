import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { StartError } from '../../errors.ts';
import { commandAs } from './embedded-account.ts';
import { type Cluster, reasonIn } from './embedded-cluster.ts';
import { connectTo } from './embedded-owner.ts';

/** A running PostgreSQL server process. */
export interface Server {
  port: number;
  /** Resolves when the server has ended, with its exit status and the reason in its log. */
  exited: Promise<string>;
  /** Starts a fast shutdown; resolves when the server has ended. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 30_000;

/**
 * Runs the server as a child process and starts a fast shutdown when standard input closes. Standard input is a pipe
 * from the service, so the server stops in every case when the service ends, even after SIGKILL. The supervisor ignores
 * signals, because only the end of the service may stop the server.
 */
const SUPERVISOR = `
exec 3<&0
"$@" 3<&- & server=$!
{ while read -r _; do :; done; kill -INT "$server"; } <&3 2>/dev/null & watch=$!
exec 3<&-
trap '' HUP INT TERM
wait "$server"; status=$?
{ kill "$watch"; wait "$watch"; } 2>/dev/null
exit "$status"
`;

/** The number of lines at the end of the log that are searched for the reason of an exit. */
const LOG_LINES = 30;
const LOG_PREFIX = /^[\d-]+ [\d:.]+ \S+ \[\d+\] /;
const SETTINGS = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_wal_size=2GB', 'jit=off'];

/**
 * Starts a server on the cluster and waits until it accepts connections.
 *
 * @param log `append` keeps the log of the previous run.
 * @throws {StartError} if the server does not start.
 */
export async function startServer(
  cluster: Cluster,
  port: number,
  log: 'append' | 'replace',
): Promise<{ server: Server; client: pg.Client }> {
  const file = await open(logFile(cluster), log === 'append' ? 'a' : 'w');
  const [command, args] = commandAs(cluster.account, cluster.binaries.postgres, [
    ...['-D', cluster.directory, '-p', `${port}`],
    ...SETTINGS.flatMap((setting) => ['-c', setting]),
  ]);
  // A separate session (`detached`), so that Ctrl-C in a terminal reaches the service only, which stops its database last.
  const child = spawn('/bin/sh', ['-c', SUPERVISOR, 'postgres', command, ...args], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', file.fd, file.fd],
  });
  child.unref();
  const pipe = child.stdin as Socket;
  pipe.on('error', () => undefined).unref();
  await file.close();
  const exited = once(child, 'exit').then(
    ([code]) => describeExit(cluster, code),
    (error: Error) => error.message,
  );
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  const stop = async () => {
    // Keeps this process alive until the child has ended.
    child.ref();
    pipe.end();
    await exited;
  };
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const client = await connectTo(cluster, port).catch((error: Error) => error);
    if (client instanceof Error) {
      if (!ended && Date.now() < deadline) {
        await sleep(20);
        continue;
      }
      const reason = ended ? await exited : client.message;
      await stop();
      throw new StartError([`DATA_DIR: PostgreSQL does not start in ${cluster.directory}: ${reason}`]);
    }
    return { server: { port, exited, stop }, client };
  }
}

/** The exit status (128 plus the signal number for a killed server) and the reason in the log. */
async function describeExit(cluster: Cluster, status: number | null): Promise<string> {
  const text = await readFile(logFile(cluster), 'utf8').catch(() => '');
  const end = text.trimEnd().split('\n').slice(-LOG_LINES).join('\n');
  return `exit status ${status}: ${reasonIn(end).replace(LOG_PREFIX, '')}`;
}

function logFile({ dataDir }: Cluster): string {
  return join(dataDir, 'postgres.log');
}
