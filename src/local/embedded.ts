import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { StartError } from '../errors.ts';
import { commandAs } from './embedded-account.ts';
import { type Cluster, lastLine, openCluster, USER } from './embedded-cluster.ts';

/** A PostgreSQL server of this process's own. */
export interface EmbeddedDatabase {
  url: string;
  /** Stops the server; resolves when it is gone. */
  stop(): Promise<void>;
}

interface Postmaster {
  pid: number;
  port: number;
  owner: pg.Client;
}

const DATABASE = 'messaging_service';
const START_TIMEOUT_MS = 30_000;
/** Held for as long as a service owns the cluster, so that two never share one data directory unawares. */
const OWNER_LOCK = 7_203_941;

/**
 * Starts the PostgreSQL that ships with this service on a loopback port, a free one unless told, its data kept in
 * `dataDir`. One that an earlier service left running (because that was killed) is taken over as it is.
 *
 * @throws {StartError} where the directory cannot be used, belongs to a running service, or the server does not start.
 */
export async function startEmbedded(dataDir: string, port?: number): Promise<EmbeddedDatabase> {
  const cluster = await openCluster(dataDir);
  const postmaster = (await takeOver(cluster)) ?? (await launch(cluster, port ?? (await freePort())));
  await ensureDatabase(postmaster.owner);
  return {
    url: urlOf(cluster, postmaster.port, DATABASE),
    stop: async () => {
      await postmaster.owner.end().catch(() => undefined);
      signal(postmaster.pid, 'SIGINT');
      while (signal(postmaster.pid, 0)) await sleep(10);
    },
  };
}

/** The server that runs on this cluster already, or null. */
async function takeOver(cluster: Cluster): Promise<Postmaster | null> {
  const lines = (await readFile(join(cluster.directory, 'postmaster.pid'), 'utf8').catch(() => '')).split(
    '\n',
  );
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  if (!pid || !port || !signal(pid, 0)) return null;
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (signal(pid, 0) && Date.now() < deadline) {
    const owner = await connect(cluster, port).catch((error: Error & { code?: string }) => error);
    if (owner instanceof pg.Client) return { pid, port, owner: await own(cluster, owner) };
    // Not a server of ours: its process id was given to another program after a crash of the machine.
    if (owner.code !== '57P03') return null;
    await sleep(50);
  }
  return null;
}

async function launch(cluster: Cluster, port: number): Promise<Postmaster> {
  const log = await open(join(cluster.dataDir, 'postgres.log'), 'w');
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_wal_size=2GB', 'jit=off'];
  const [command, args] = commandAs(cluster.account, cluster.binaries.postgres, [
    ...['-D', cluster.directory, '-p', `${port}`],
    ...settings.flatMap((setting) => ['-c', setting]),
  ]);
  // In a session of its own: Ctrl-C is for the service, which stops its database last.
  const child = spawn(command, args, { cwd: '/', detached: true, stdio: ['ignore', log.fd, log.fd] });
  child.unref();
  await log.close();
  return { pid: child.pid ?? 0, port, owner: await own(cluster, await whenReady(cluster, port, child)) };
}

async function whenReady(cluster: Cluster, port: number, child: ChildProcess): Promise<pg.Client> {
  let exited = false;
  child.once('error', () => {
    exited = true;
  });
  child.once('exit', () => {
    exited = true;
  });
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const client = await connect(cluster, port).catch((error: Error) => error);
    if (client instanceof pg.Client) return client;
    if (exited || Date.now() > deadline) {
      const log = await readFile(join(cluster.dataDir, 'postgres.log'), 'utf8').catch(() => '');
      throw new StartError([
        `DATA_DIR: PostgreSQL does not start in ${cluster.directory}: ${lastLine(log) || client.message}`,
      ]);
    }
    await sleep(20);
  }
}

async function connect(cluster: Cluster, port: number): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: urlOf(cluster, port, 'postgres'), keepAlive: true });
  // A lost connection shows in the service's own pool; here it only has to be survived.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function own(cluster: Cluster, client: pg.Client): Promise<pg.Client> {
  for (let tries = 0; tries < 40; tries++) {
    const { rows } = await client.query('select pg_try_advisory_lock($1) as owned', [OWNER_LOCK]);
    if (rows[0]?.owned) return client;
    await sleep(50);
  }
  await client.end();
  throw new StartError([`DATA_DIR: ${cluster.dataDir} is in use by another running service`]);
}

async function ensureDatabase(client: pg.Client): Promise<void> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE]);
  if (!rowCount) await client.query(`create database ${DATABASE}`);
}

function urlOf(cluster: Cluster, port: number, database: string): string {
  return `postgres://${USER}:${cluster.password}@127.0.0.1:${port}/${database}`;
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === 'object' && address ? address.port : 0;
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
