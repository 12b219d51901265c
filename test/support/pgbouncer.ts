import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './process.ts';
import { until } from './until.ts';

export interface InstalledPgBouncer {
  program: string;
  version: string;
  /** Whether the version supports prepared statements in transaction mode: 1.21 or newer. */
  supportsPreparedStatements: boolean;
}

export interface PgBouncer {
  /** The URL of the database through PgBouncer. */
  url: string;
  stop(): Promise<void>;
}

/** Finds the PgBouncers whose paths are in `PGBOUNCER`, separated by colons, and one in the usual folders. */
export function installedPgBouncers(): InstalledPgBouncer[] {
  const configured = (process.env.PGBOUNCER ?? '').split(':').filter(Boolean);
  const usual = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer'];
  const found = [...configured, ...usual.filter(isExecutable).slice(0, 1)];
  return found.map((program) => {
    const output = execFileSync(program, ['--version'], { encoding: 'utf8' });
    const version = /PgBouncer (\d+\.\d+)/.exec(output)?.[1] ?? '0.0';
    return { program, version, supportsPreparedStatements: Number(version.split('.')[1]) >= 21 };
  });
}

/** Starts a PgBouncer in front of a database. `settings` are lines of its section `[pgbouncer]`. */
export async function startPgBouncer(
  { program }: InstalledPgBouncer,
  databaseUrl: string,
  settings: Record<string, string>,
): Promise<PgBouncer> {
  const { hostname, port, username, password } = new URL(databaseUrl);
  const directory = await mkdtemp(join(tmpdir(), 'messaging-pgbouncer-'));
  const ownPort = await freePort();
  const file = join(directory, 'pgbouncer.ini');
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  await chmod(directory, 0o755);
  await writeFile(
    file,
    [
      '[databases]',
      `* = host=${hostname} port=${port} user=${username} password=${password}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${ownPort}`,
      'unix_socket_dir =',
      'auth_type = any',
      ...lines,
    ].join('\n'),
  );
  // PgBouncer refuses to run as root.
  const account = process.getuid?.() === 0 ? ['--user', 'nobody'] : [];
  const log = join(directory, 'log');
  await writeFile(log, '');
  const child = spawn('/bin/sh', ['-c', 'exec "$0" "$@" 2>>"$LOG"', program, ...account, file], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, LOG: log },
  });
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`PgBouncer ended: ${await readFile(log, 'utf8')}`);
    return isOpen(ownPort);
  }, 'PgBouncer listens');
  return {
    url: Object.assign(new URL(databaseUrl), { hostname: '127.0.0.1', port: String(ownPort) }).href,
    stop: async () => {
      child.kill('SIGINT');
      const timer = setTimeout(() => child.kill('SIGKILL'), 2_000);
      if (child.exitCode === null) await once(child, 'exit');
      clearTimeout(timer);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return once(socket, 'connect')
    .then(
      () => true,
      () => false,
    )
    .finally(() => socket.destroy());
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
