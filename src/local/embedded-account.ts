import { spawnSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StartError } from '../errors.ts';

/** The unprivileged account that PostgreSQL runs as where the service itself runs as root, which PostgreSQL refuses. */
export interface Account {
  uid: number;
  gid: number;
  /**
   * In a user namespace in which root bears the account's number: its files stay root's, and it can reach what root
   * can. For files behind a folder that is closed to everyone else, such as a root's home directory.
   */
  namespaced: boolean;
}

/**
 * The account for a server whose programs and data are in these folders; null where the service does not run as
 * root. A cluster goes on as it was made.
 *
 * @param owner who owns the cluster, or null where there is none yet.
 */
export async function accountFor(folders: string[], owner: number | null): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  const [uid, gid] = ['-u', '-g'].map((flag) =>
    Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout),
  );
  if (!uid || !gid) {
    const reason = 'PostgreSQL does not run as root and there is no account "nobody"';
    throw new StartError([`DATABASE_URL: must be set, for ${reason}`]);
  }
  const open = await Promise.all(folders.map(openToAll));
  return { uid, gid, namespaced: owner === null ? open.includes(false) : owner === 0 };
}

/** The command line that runs `program` as `account`. */
export function commandAs(account: Account | null, program: string, args: string[]): [string, string[]] {
  if (!account) return [program, args];
  const { uid, gid, namespaced } = account;
  if (namespaced)
    return ['unshare', ['--user', `--map-user=${uid}`, `--map-group=${gid}`, '--', program, ...args]];
  return ['setpriv', [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--', program, ...args]];
}

async function openToAll(folder: string): Promise<boolean> {
  const { mode } = await stat(folder);
  if ((mode & 0o001) === 0) return false;
  const parent = dirname(folder);
  return parent === folder || openToAll(parent);
}
