import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';

export interface ApiKey {
  /** What stands in the log. Two keys may have one name, as during a rotation. */
  name: string;
  key: string;
}

/** Polling notices changes on every kind of mount, notifications of the file system do not. */
const POLL_MS = 1_000;

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
    const colon = entry.indexOf(':');
    const [name, key] =
      colon < 0 ? [`key-${index + 1}`, entry] : [entry.slice(0, colon), entry.slice(colon + 1)];
    if (!/^[\w.-]+$/.test(name) || !/^[\x21-\x7e]{8,}$/.test(key))
      throw new Error(`key ${index + 1} is not "name:key" with at least 8 printable characters in the key`);
    return { name, key };
  });
}

/** @throws {Error} where the file cannot be read, has no key, or one that is none. */
export function readApiKeys(path: string): ApiKey[] {
  return keysOf(path, readFileSync(path, 'utf8'));
}

export interface KeyWatch {
  /** The current keys. */
  keys: readonly ApiKey[];
  onChange: (keys: ApiKey[]) => void;
  /** Called once per fault: the file is invalid or cannot be read, and the keys do not change. */
  onFault: (error: unknown) => void;
}

/**
 * Reads the file again whenever it changes.
 *
 * @returns a function that stops this.
 */
export function watchApiKeys(path: string, { keys, onChange, onFault }: KeyWatch): () => void {
  const stopping = new AbortController();
  let current = keys;
  let fault: string | null = null;
  const look = async () => {
    try {
      const found = keysOf(path, await readFile(path, { encoding: 'utf8', signal: stopping.signal }));
      fault = null;
      if (isDeepStrictEqual(found, current)) return;
      current = found;
      onChange(found);
    } catch (error) {
      if (stopping.signal.aborted || String(error) === fault) return;
      fault = String(error);
      onFault(error);
    }
  };
  watchFile(path, { interval: POLL_MS, persistent: false }, look);
  // The file may have changed since the first keys were read.
  void look();
  return () => {
    unwatchFile(path, look);
    stopping.abort();
  };
}

function keysOf(path: string, text: string): ApiKey[] {
  const keys = parseApiKeys(text);
  if (keys.length === 0) throw new Error(`${path} has no key`);
  return keys;
}
