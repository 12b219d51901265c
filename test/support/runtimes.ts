import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../sdk');
/** `make test-sdk` installs old versions of Node.js here, in a separate folder so that no other command uses their `node`. */
const OLD = join(FOLDER, 'runtimes');
/** `make test-sdk` installs the newest versions of the other runtimes here. */
const NEWEST = join(FOLDER, 'platforms');
const PLATFORM = `${process.platform}-${process.arch}`;
/** Bun and Deno have names of their own for some platforms. */
const BUN_PLATFORM = PLATFORM.replace('arm64', 'aarch64');
const DENO_PLATFORM = PLATFORM.replace(/^linux-.*/, '$&-glibc');

export interface Runtime {
  /** The name and the version, as the program of the test prints them. */
  title: string;
  /** The path of the executable, and arguments before the file. */
  command: [executable: string, ...args: string[]];
  installed: boolean;
}

/**
 * The current Node.js, the lowest version of `engines` of the SDK, and 20.9.0, the last version that loses the headers when
 * a `Request` is copied.
 */
export async function findRuntimes(): Promise<Runtime[]> {
  const current = runtime(`Node.js ${process.versions.node}`, process.execPath);
  return [current, old(await lowestSupported()), old('20.9.0')];
}

/** The newest Node.js, Deno and Bun. */
export async function findPlatforms(): Promise<Runtime[]> {
  const { dependencies, optionalDependencies } = JSON.parse(
    await readFile(join(NEWEST, 'package.json'), 'utf8'),
  );
  const modules = join(NEWEST, 'node_modules');
  const node = optionalDependencies['node-newest-linux-x64'].split('@').pop();
  const deno = join(modules, `@deno/${DENO_PLATFORM}/deno`);
  const title = `Deno ${dependencies.deno}`;
  const online = ['run', '--no-prompt', '--allow-net=127.0.0.1'];
  return [
    runtime(`Node.js ${node}`, join(modules, `node-newest-${PLATFORM}/bin/node`)),
    runtime(title, deno, ...online, '--allow-env=MESSAGING_BASE_URL,MESSAGING_API_KEY'),
    runtime(`${title} without access to the environment`, deno, ...online),
    runtime(`Bun ${dependencies.bun}`, join(modules, `@oven/bun-${BUN_PLATFORM}/bin/bun`)),
  ];
}

function runtime(title: string, executable: string, ...args: string[]): Runtime {
  return { title, command: [executable, ...args], installed: existsSync(executable) };
}

function old(version: string): Runtime {
  return runtime(`Node.js ${version}`, join(OLD, `node_modules/node-${version}-${PLATFORM}/bin/node`));
}

async function lowestSupported(): Promise<string> {
  const { engines } = JSON.parse(await readFile('sdk/package.json', 'utf8'));
  const [, major, minor = '0', patch = '0'] = /^>=(\d+)(?:\.(\d+))?(?:\.(\d+))?$/.exec(engines.node) ?? [];
  return `${major}.${minor}.${patch}`;
}
