import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { StartError } from '../errors.ts';

const FILE = 'consent-key';
/** Characters that a key must have, as those of `CONSENT_KEY`. */
const MIN_LENGTH = 32;

/**
 * Returns the configured key or, outside production, the key in the data directory, which the first start makes.
 *
 * @throws {StartError} if the file cannot be read or made, or has no key.
 */
export async function locateConsentKey({
  consentKey,
  dataDir,
}: Pick<Config, 'consentKey' | 'dataDir'>): Promise<string> {
  if (consentKey !== null) return consentKey;
  const path = join(dataDir, FILE);
  try {
    return (await readKey(path)) ?? (await makeKey(dataDir, path));
  } catch (error) {
    if (error instanceof StartError || (error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new StartError([`CONSENT_KEY: is not set, and ${path} is no key: ${(error as Error).message}`], {
      cause: error,
    });
  }
}

async function readKey(path: string): Promise<string | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  const key = text?.trim() ?? null;
  if (key === null || key.length >= MIN_LENGTH) return key;
  throw new StartError([
    `CONSENT_KEY: is not set, and ${path} has fewer than ${MIN_LENGTH} characters. Restore the file, or remove it if the database has no suppressions yet.`,
  ]);
}

/** Makes the key. Of several processes that start at the same time, one makes the key of all. */
async function makeKey(directory: string, path: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  // Processes in two containers can have the same id.
  const own = `${path}.${randomUUID()}`;
  // On the disk before the link, so that a crash of the machine leaves no empty file.
  await writeFile(own, randomBytes(32).toString('base64'), { mode: 0o600, flush: true });
  try {
    // Unlike a rename, a link does not replace the key of another process.
    await link(own, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(own, { force: true });
  }
  return (await readKey(path)) as string;
}
