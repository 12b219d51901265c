import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** `make test` installs old versions of Node.js here, in a separate folder so that no other command uses their `node`. */
const INSTALLED = join(import.meta.dirname, '../sdk/runtimes/node_modules');

export interface Runtime {
  version: string;
  /** The path of the `node` command. */
  path: string;
  installed: boolean;
}

/**
 * The current Node.js, the lowest version of `engines` of the SDK, and 20.9.0, the last version that loses the headers when
 * a `Request` is copied.
 */
export async function findRuntimes(): Promise<Runtime[]> {
  const current = { version: process.versions.node, path: process.execPath, installed: true };
  return [current, old(await lowestSupported()), old('20.9.0')];
}

function old(version: string): Runtime {
  const path = join(INSTALLED, `node-${version}-${process.platform}-${process.arch}`, 'bin/node');
  return { version, path, installed: existsSync(path) };
}

async function lowestSupported(): Promise<string> {
  const { engines } = JSON.parse(await readFile('sdk/package.json', 'utf8'));
  const [, major, minor = '0', patch = '0'] = /^>=(\d+)(?:\.(\d+))?(?:\.(\d+))?$/.exec(engines.node) ?? [];
  return `${major}.${minor}.${patch}`;
}
