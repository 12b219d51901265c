import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';

export const SCOPES = ['read', 'send', 'admin'] as const;

/** A permission of an API key. No scope includes another scope. */
export type Scope = (typeof SCOPES)[number];

export interface ApiKey {
  /** The name of the caller in the log. Several keys may have the same name, for example during a rotation. */
  name: string;
  key: string;
  scopes: readonly Scope[];
}

/** The file is polled, because notifications of the file system do not work on every kind of mount. */
const POLL_MS = 1_000;

/**
 * Parses entries of the form `key`, `name:key` or `name:key:scopes`, which are separated by line breaks or commas. The scopes
 * are joined by `+`; default: all. A line that begins with `#` is a comment.
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
  return entries.map((entry, index) => parseEntry(entry, index + 1));
}

function parseEntry(entry: string, number: number): ApiKey {
  const parts = entry.split(':');
  const [name = '', key = '', scopes, ...more] = parts.length === 1 ? [`key-${number}`, entry] : parts;
  if (!/^[\w.-]+$/.test(name) || !/^[\x21-\x7e]{8,}$/.test(key) || more.length > 0)
    throw new Error(
      `key ${number} is not "name:key" or "name:key:scopes" with at least 8 printable characters, without a colon, in the key`,
    );
  return { name, key, scopes: scopes === undefined ? SCOPES : parseScopes(scopes, number) };
}

function parseScopes(text: string, number: number): Scope[] {
  const given = text.split('+');
  if (!given.every((scope) => SCOPES.includes(scope as Scope)))
    throw new Error(`key ${number} has scopes other than ${SCOPES.join(', ')}, joined by "+"`);
  return SCOPES.filter((scope) => given.includes(scope));
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
