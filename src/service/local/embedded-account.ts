import { spawnSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StartError } from '../../errors.ts';

/** The unprivileged account that runs PostgreSQL if the service runs as root, because PostgreSQL does not run as root. */
export interface Account {
  uid: number;
  gid: number;
  /**
   * Whether the server runs in a user namespace that maps root to `uid`. Root then remains the owner of the files, and
   * the server can read every folder that root can read, such as root's home directory.
   */
  namespaced: boolean;
}

/**
 * The account for a server whose programs and data are in `folders`; null if the service does not run as root. An
 * existing cluster keeps the account that created it.
 *
 * @param owner the user id of the owner of the cluster; null if there is no cluster yet.
 * @throws {StartError} if the service runs as root and there is no account "nobody".
 */
export async function accountFor(folders: string[], owner: number | null): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  const [uid, gid] = ['-u', '-g'].map((flag) =>
    Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout),
  );
  if (!uid || !gid) {
    const reason = 'PostgreSQL does not run as root and there is no account "nobody"';
    throw new StartError([`DATABASE_URL: must be set, because ${reason}`]);
  }
  const accessible = await Promise.all(folders.map(isAccessibleToAll));
  return { uid, gid, namespaced: owner === null ? accessible.includes(false) : owner === 0 };
}

/** The command line that runs `program` as `account`. */
export function commandAs(account: Account | null, program: string, args: string[]): [string, string[]] {
  if (!account) return [program, args];
  const { uid, gid, namespaced } = account;
  if (namespaced)
    return ['unshare', ['--user', `--map-user=${uid}`, `--map-group=${gid}`, '--', program, ...args]];
  return ['setpriv', [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--', program, ...args]];
}

async function isAccessibleToAll(folder: string): Promise<boolean> {
  const { mode } = await stat(folder);
  if ((mode & 0o001) === 0) return false;
  const parent = dirname(folder);
  return parent === folder || isAccessibleToAll(parent);
}
