import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

export interface ApiKey {
  /** What stands in the log. Two keys may have one name, as during a rotation. */
  name: string;
  key: string;
}

/** How soon a change of the file is seen: it is looked at rather than listened to, which also works for mounts. */
const LOOK_EVERY_MS = 1_000;

/**
 * Reads `name:key` entries, one a line or separated by commas; a line that begins with `#` is a comment.
 *
 * @throws {Error} naming the entry that is none, but not what it holds.
 */
export function parseApiKeys(text: string): ApiKey[] {
  const entries = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .flatMap((line) => line.split(','))
    .map((entry) => entry.trim())
    .filter(Boolean);
  return entries.map((entry, index) => {
    const [, name, key] = /^(?:([\w.-]+):)?([\x21-\x7e]{8,})$/.exec(entry) ?? [];
    if (!key)
      throw new Error(`key ${index + 1} is not "name:key" with at least 8 printable characters in the key`);
    return { name: name ?? `key-${index + 1}`, key };
  });
}

/** @throws {Error} where the file cannot be read, has no key, or one that is none. */
export function readApiKeys(path: string): ApiKey[] {
  const keys = parseApiKeys(readFileSync(path, 'utf8'));
  if (keys.length === 0) throw new Error(`${path} has no key`);
  return keys;
}

export interface KeyWatch {
  /** What the caller has. */
  keys: readonly ApiKey[];
  onChange: (keys: ApiKey[]) => void;
  /** The file is not as it should be: the keys stay as they were. */
  onFault: (error: unknown) => void;
}

/** Reads the file again whenever it changes, until the function returned is called. */
export function watchApiKeys(path: string, { keys, onChange, onFault }: KeyWatch): () => void {
  let current = keys;
  const look = () => {
    try {
      const found = readApiKeys(path);
      if (isDeepStrictEqual(found, current)) return;
      current = found;
      onChange(found);
    } catch (error) {
      onFault(error);
    }
  };
  watchFile(path, { interval: LOOK_EVERY_MS, persistent: false }, look);
  look();
  return () => unwatchFile(path, look);
}
