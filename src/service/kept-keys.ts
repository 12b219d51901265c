import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config, KeyedConfig } from '../config/config.ts';
import { StartError } from '../errors.ts';

/** A key that a start outside production makes and keeps in the data directory. */
interface Kept {
  variable: string;
  file: string;
  /** When the file can be removed. */
  removable: string;
}

const CONSENT_KEY: Kept = {
  variable: 'CONSENT_KEY',
  file: 'consent-key',
  removable: 'if the database has no suppressions yet',
};
const SECRET_KEYS: Kept = {
  variable: 'SECRET_KEYS',
  file: 'secret-key',
  removable:
    'if the database has no endpoints, and no link to media or to unsubscribe needs to work any more',
};

/** Characters that a key must have, as those of the variables. */
const MIN_LENGTH = 32;

/**
 * Adds the keys that are not configured: outside production, those in the data directory, which the first start makes.
 *
 * @throws {StartError} if a file cannot be read or made, or has no key.
 */
export async function withKeys(config: Config): Promise<KeyedConfig> {
  const { dataDir } = config;
  return {
    ...config,
    consentKey: config.consentKey ?? (await locateKey(dataDir, CONSENT_KEY)),
    secretKeys: config.secretKeys ?? [await locateKey(dataDir, SECRET_KEYS)],
  };
}

async function locateKey(dataDir: string, kept: Kept): Promise<string> {
  const path = join(dataDir, kept.file);
  try {
    return (await readKey(path, kept)) ?? (await makeKey(path, kept));
  } catch (error) {
    if (error instanceof StartError || (error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new StartError(
      [`${kept.variable}: is not set, and ${path} is no key: ${(error as Error).message}`],
      { cause: error },
    );
  }
}

async function readKey(path: string, { variable, removable }: Kept): Promise<string | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  const key = text?.trim() ?? null;
  if (key === null || key.length >= MIN_LENGTH) return key;
  throw new StartError([
    `${variable}: is not set, and ${path} has fewer than ${MIN_LENGTH} characters. Restore the file, or remove it ${removable}.`,
  ]);
}

/** Makes the key. Of several processes that start at the same time, one makes the key of all. */
async function makeKey(path: string, kept: Kept): Promise<string> {
  await mkdir(join(path, '..'), { recursive: true });
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
  return (await readKey(path, kept)) as string;
}
