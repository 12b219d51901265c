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
  /** Runs the TypeScript compiler on these files. The libraries of TypeScript itself are not checked. */
  compile(files: string[], compilerOptions: object): Promise<Output>;
  /** Runs a file, by default with the current Node.js. */
  run(file: string, command?: string[], environment?: Record<string, string>): Promise<Output>;
  remove(): Promise<void>;
}

/** The commands of the README that install the package: the first runs in the checkout, the second in a project. */
export async function installCommands(): Promise<[inCheckout: string, inProject: string]> {
  const [, block = ''] = /```sh\n(.*?)```/s.exec(await readFile(join(root, 'sdk/README.md'), 'utf8')) ?? [];
  const commands = block.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const [inCheckout, inProject, ...others] = commands;
  if (!inCheckout || !inProject || others.length > 0)
    throw new Error(`sdk/README.md must have two install commands: ${commands}`);
  return [inCheckout, inProject];
}

/** Creates a project in a temporary folder and installs the SDK by the commands of its README, without a registry. */
export async function createSdkProject(): Promise<SdkProject> {
  const directory = await mkdtemp(join(tmpdir(), 'sdk-project-'));
  const write = async (name: string, text: string) => {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  };
  await write('package.json', JSON.stringify({ private: true, type: 'module' }));
  const [inCheckout, inProject] = await installCommands();
  // With --old-file, make does not reinstall node_modules, which other tests use at the same time.
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
    run: (file, [executable = process.execPath, ...args] = [], environment = {}) =>
      execute(executable, [...args, file], directory, environment),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Packs the installed dependencies of the SDK, so that npm can install them without a registry. */
async function packDependencies(destination: string): Promise<string> {
  await mkdir(destination);
  const dependencies = './node_modules/openapi-fetch ./node_modules/openapi-typescript-helpers';
  await succeed(`npm pack --ignore-scripts --pack-destination ${destination} ${dependencies}`, root);
  return `${destination}/*.tgz`;
}

/** Runs a command line in a shell; throws if the command fails. */
async function succeed(command: string, cwd: string): Promise<void> {
  const { code, stdout, stderr } = await execute('bash', ['-c', command], cwd);
  if (code !== 0) throw new Error(`${command} ended with ${code}\n${stdout}\n${stderr}`);
}

async function execute(
  command: string,
  args: string[],
  cwd: string,
  environment: Record<string, string> = {},
): Promise<Output> {
  const { NODE_V8_COVERAGE: _, NODE_OPTIONS: __, ...inherited } = process.env;
  const env = { ...inherited, ...environment };
  try {
    return { code: 0, ...(await promisify(execFile)(command, args, { cwd, env })) };
  } catch (error) {
    const { code, stdout, stderr } = error as Partial<Output>;
    if (typeof code !== 'number') throw error;
    return { code, stdout: stdout ?? '', stderr: stderr ?? '' };
  }
}
