import { spawnSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StartError } from '../errors.ts';

/** The unprivileged account that PostgreSQL runs as where the service itself runs as root, which PostgreSQL refuses. */
export interface Account {
  uid: number;
  gid: number;
  /** Some folder on the way to its files is closed to everyone but root, as a root's home directory is. */
  behindClosedFolder: boolean;
}

/** The account for a server that needs these folders; null where the service does not run as root. */
export async function accountFor(folders: string[]): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  const [uid, gid] = ['-u', '-g'].map((flag) =>
    Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout),
  );
  if (!uid || !gid)
    throw new StartError([
      'DATABASE_URL: must be set, for PostgreSQL does not run as root and there is no account "nobody"',
    ]);
  const open = await Promise.all(folders.map(openToAll));
  return { uid, gid, behindClosedFolder: open.includes(false) };
}

/**
 * The command line that runs `program` as `account`. Behind a closed folder it keeps the one capability that lets
 * it pass.
 */
export function commandAs(account: Account | null, program: string, args: string[]): [string, string[]] {
  if (!account) return [program, args];
  const capabilities = account.behindClosedFolder
    ? ['--inh-caps=+dac_override', '--ambient-caps=+dac_override']
    : [];
  const identity = [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'];
  return ['setpriv', [...identity, ...capabilities, '--', program, ...args]];
}

async function openToAll(folder: string): Promise<boolean> {
  const { mode } = await stat(folder);
  if ((mode & 0o001) === 0) return false;
  const parent = dirname(folder);
  return parent === folder || openToAll(parent);
}
