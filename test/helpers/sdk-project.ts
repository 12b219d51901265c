import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '../..');
const tsc = join(root, 'node_modules/typescript/bin/tsc');

export interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

export interface SdkProject {
  directory: string;
  write(name: string, text: string): Promise<void>;
  /** Type-checks these files and all that they import but TypeScript's own; compiles them where `noEmit` is not given. */
  compile(files: string[], compilerOptions: object): Promise<Output>;
  /** Runs a file by Node.js: this one by default. */
  run(file: string, node?: string): Promise<Output>;
  remove(): Promise<void>;
}

/** An empty project elsewhere, in which the SDK is installed from the tarball that is published. Asks no registry. */
export async function createSdkProject(): Promise<SdkProject> {
  const directory = await mkdtemp(join(tmpdir(), 'sdk-project-'));
  const write = async (name: string, text: string) => {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  };
  await write('package.json', JSON.stringify({ private: true, type: 'module' }));
  const tarballs = await pack(join(directory, 'tarballs'));
  const install = ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', ...tarballs];
  await succeed('npm', install, directory);
  return {
    directory,
    write,
    compile: async (files, options) => {
      const compilerOptions = { skipLibCheck: false, skipDefaultLibCheck: true, ...options };
      await write('tsconfig.json', JSON.stringify({ compilerOptions, files }));
      return execute(process.execPath, [tsc, '-p', '.'], directory);
    },
    run: (file, node = process.execPath) => execute(node, [file], directory),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** The SDK, built, and what it depends on as it is installed here. */
async function pack(destination: string): Promise<string[]> {
  await mkdir(destination);
  await succeed('npm', ['pack', '--pack-destination', destination], join(root, 'sdk'));
  const dependencies = ['openapi-fetch', 'openapi-typescript-helpers'].map(
    (name) => `./node_modules/${name}`,
  );
  await succeed(
    'npm',
    ['pack', '--ignore-scripts', '--pack-destination', destination, ...dependencies],
    root,
  );
  return (await readdir(destination)).map((name) => join(destination, name));
}

async function succeed(command: string, args: string[], cwd: string): Promise<void> {
  const { code, stdout, stderr } = await execute(command, args, cwd);
  if (code !== 0) throw new Error(`${command} ${args[0]} ended with ${code}\n${stdout}\n${stderr}`);
}

async function execute(command: string, args: string[], cwd: string): Promise<Output> {
  const { NODE_V8_COVERAGE: _, NODE_OPTIONS: __, ...env } = process.env;
  try {
    return { code: 0, ...(await promisify(execFile)(command, args, { cwd, env })) };
  } catch (error) {
    const { code, stdout, stderr } = error as Partial<Output>;
    if (typeof code !== 'number') throw error;
    return { code, stdout: stdout ?? '', stderr: stderr ?? '' };
  }
}
