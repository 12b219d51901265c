import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** `make test` installs them apart from everything else: they are large, and nobody else is to find their `node`. */
const INSTALLED = join(import.meta.dirname, '../sdk/runtimes/node_modules');

export interface Runtime {
  version: string;
  /** Its Node.js. */
  path: string;
  installed: boolean;
}

/** This Node.js, the lowest one that the SDK names, and the last one that loses the headers of a copied request. */
export async function findRuntimes(): Promise<Runtime[]> {
  const current = { version: process.versions.node, path: process.execPath, installed: true };
  return [current, old(await lowestNamed()), old('20.9.0')];
}

function old(version: string): Runtime {
  const path = join(INSTALLED, `node-${version}-${process.platform}-${process.arch}`, 'bin/node');
  return { version, path, installed: existsSync(path) };
}

async function lowestNamed(): Promise<string> {
  const { engines } = JSON.parse(await readFile('sdk/package.json', 'utf8'));
  const [, major, minor = '0', patch = '0'] = /^>=(\d+)(?:\.(\d+))?(?:\.(\d+))?$/.exec(engines.node) ?? [];
  return `${major}.${minor}.${patch}`;
}
