import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../config/config.ts';

const FILE = 'consent-key';

/** Returns the configured key or, outside production, the key in the data directory, which the first start makes. */
export async function locateConsentKey({
  consentKey,
  dataDir,
}: Pick<Config, 'consentKey' | 'dataDir'>): Promise<string> {
  if (consentKey !== null) return consentKey;
  const path = join(dataDir, FILE);
  return (await readKey(path)) ?? (await makeKey(dataDir, path));
}

async function readKey(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim() || null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Makes the key. Of several processes that start at the same time, one makes the key of all. */
async function makeKey(directory: string, path: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const own = `${path}.${process.pid}`;
  await writeFile(own, randomBytes(32).toString('base64'), { mode: 0o600 });
  try {
    // Unlike a rename, a link does not replace the key of another process.
    await link(own, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(own, { force: true });
  }
  return readFile(path, 'utf8');
}
