import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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
  read(name: string): Promise<string>;
  /** Type-checks these files and all that they import but TypeScript's own; compiles them where `noEmit` is not given. */
  compile(files: string[], compilerOptions: object): Promise<Output>;
  /** Runs a file by Node.js: this one by default. */
  run(file: string, node?: string): Promise<Output>;
  remove(): Promise<void>;
}

/** The commands that the README gives to install the package: in the checkout, then in a project. */
export async function installation(): Promise<[inCheckout: string, inProject: string]> {
  const [, block = ''] = /```sh\n(.*?)```/s.exec(await readFile(join(root, 'sdk/README.md'), 'utf8')) ?? [];
  const commands = block.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const [inCheckout, inProject, ...others] = commands;
  if (!inCheckout || !inProject || others.length > 0) throw new Error(`Not two commands: ${commands}`);
  return [inCheckout, inProject];
}

/** An empty project elsewhere, in which the SDK is installed as its README says. Asks no registry. */
export async function createSdkProject(): Promise<SdkProject> {
  const directory = await mkdtemp(join(tmpdir(), 'sdk-project-'));
  const write = async (name: string, text: string) => {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  };
  await write('package.json', JSON.stringify({ private: true, type: 'module' }));
  const [inCheckout, inProject] = await installation();
  // Whatever the times of the files say: what the other tests run on is not installed anew meanwhile.
  await succeed(`${inCheckout} --old-file=node_modules/.package-lock.json`, root);
  const install = inProject.replace('path/to/the/checkout', root);
  const tarballs = await packDependencies(join(directory, 'tarballs'));
  await succeed(`${install} ${tarballs} --offline --no-audit --no-fund`, directory);
  return {
    directory,
    write,
    read: (name) => readFile(join(directory, name), 'utf8'),
    compile: async (files, options) => {
      const compilerOptions = { skipLibCheck: false, skipDefaultLibCheck: true, ...options };
      await write('tsconfig.json', JSON.stringify({ compilerOptions, files }));
      return execute(process.execPath, [tsc, '-p', '.'], directory);
    },
    run: (file, node = process.execPath) => execute(node, [file], directory),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** The dependencies of the SDK, as they are installed here: without a registry, npm has them from nowhere else. */
async function packDependencies(destination: string): Promise<string> {
  await mkdir(destination);
  const dependencies = './node_modules/openapi-fetch ./node_modules/openapi-typescript-helpers';
  await succeed(`npm pack --ignore-scripts --pack-destination ${destination} ${dependencies}`, root);
  return `${destination}/*.tgz`;
}

/** Runs a command line as a person types it. */
async function succeed(command: string, cwd: string): Promise<void> {
  const { code, stdout, stderr } = await execute('bash', ['-c', command], cwd);
  if (code !== 0) throw new Error(`${command} ended with ${code}\n${stdout}\n${stderr}`);
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
