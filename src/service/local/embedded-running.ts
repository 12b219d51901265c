import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DATABASE } from './embedded.ts';
import { urlOf } from './embedded-owner.ts';
import { isServerOf, namedServer } from './embedded-previous.ts';

export type EmbeddedState = { state: 'absent' } | { state: 'stopped' } | { state: 'running'; url: string };

/** The embedded database of a data directory, which may belong to a running service. Changes nothing. */
export async function findEmbedded(dataDir: string): Promise<EmbeddedState> {
  const directory = join(dataDir, 'postgres');
  const password = await readFile(join(dataDir, 'postgres.password'), 'utf8').catch(() => null);
  const version = await readFile(join(directory, 'PG_VERSION'), 'utf8').catch((error) => error.code);
  if (password === null || version === 'ENOENT') return { state: 'absent' };
  const server = await namedServer(directory);
  if (server === null || !(await isServerOf(directory, server.pid))) return { state: 'stopped' };
  return { state: 'running', url: urlOf({ password }, server.port, DATABASE) };
}
