import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';

export interface ApiKey {
  /** The name of the caller in the log. Several keys may have the same name, for example during a rotation. */
  name: string;
  key: string;
}

/** The file is polled, because notifications of the file system do not work on every kind of mount. */
const POLL_MS = 1_000;

/**
 * Parses `name:key` entries, which are separated by line breaks or commas. A line that begins with `#` is a comment.
 *
 * @throws {Error} with the number of the invalid entry, without its content.
 */
export function parseApiKeys(text: string): ApiKey[] {
  const entries = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .flatMap((line) => line.split(','))
    .map((entry) => entry.trim())
    .filter(Boolean);
  return entries.map((entry, index) => {
    const colon = entry.indexOf(':');
    const [name, key] =
      colon < 0 ? [`key-${index + 1}`, entry] : [entry.slice(0, colon), entry.slice(colon + 1)];
    if (!/^[\w.-]+$/.test(name) || !/^[\x21-\x7e]{8,}$/.test(key))
      throw new Error(`key ${index + 1} is not "name:key" with at least 8 printable characters in the key`);
    return { name, key };
  });
}

/** @throws {Error} if the file cannot be read, has no key, or has an invalid entry. */
export function readApiKeys(path: string): ApiKey[] {
  return keysOf(path, readFileSync(path, 'utf8'));
}

export interface KeyWatch {
  /** The current keys. */
  keys: readonly ApiKey[];
  /** Called when the keys have changed, and when the file is valid again after a fault, also with the same keys. */
  onChange: (keys: ApiKey[]) => void;
  /** Called once for each fault: the file is invalid or cannot be read. The current keys then remain. */
  onFault: (error: unknown) => void;
}

/**
 * Reads the file again whenever the file changes.
 *
 * @returns a function that stops the watch.
 */
export function watchApiKeys(path: string, { keys, onChange, onFault }: KeyWatch): () => void {
  const stopping = new AbortController();
  let current = keys;
  let fault: string | null = null;
  const reload = async () => {
    try {
      const found = keysOf(path, await readFile(path, { encoding: 'utf8', signal: stopping.signal }));
      const isRepaired = fault !== null;
      fault = null;
      if (!isRepaired && isDeepStrictEqual(found, current)) return;
      current = found;
      onChange(found);
    } catch (error) {
      if (stopping.signal.aborted || String(error) === fault) return;
      fault = String(error);
      onFault(error);
    }
  };
  watchFile(path, { interval: POLL_MS, persistent: false }, reload);
  // The file may have changed since the first keys were read.
  void reload();
  return () => {
    unwatchFile(path, reload);
    stopping.abort();
  };
}

function keysOf(path: string, text: string): ApiKey[] {
  const keys = parseApiKeys(text);
  if (keys.length === 0) throw new Error(`${path} has no key`);
  return keys;
}
