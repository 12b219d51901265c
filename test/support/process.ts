import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { until } from './until.ts';

const START = 'bin/start.sh';

export interface Running {
  child: ChildProcess;
  url: string;
  /** What it wrote so far. */
  output: { stdout: string; stderr: string };
  /** To the whole foreground group, as a terminal does; resolves with the exit code. */
  signal(name: NodeJS.Signals): Promise<number | null>;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A line with process id and arguments for every process that belongs to this data directory. */
export function processesOf(directory: string): string[] {
  return execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(directory));
}

/** Runs a command of the project in a process group of its own. */
export function run(command: string, args: string[], environment: Record<string, string>): Running {
  const { PATH = '', NODE_V8_COVERAGE } = process.env;
  // Coverage is of the service: of a compiler it would only take time.
  const covered = NODE_V8_COVERAGE && command === START;
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // The .env of the developer must not change the tests.
    env: { PATH, ENV_FILE: '/dev/null', ...(covered && { NODE_V8_COVERAGE }), ...environment },
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk;
  });
  const exited = once(child, 'exit');
  return {
    child,
    url: `http://127.0.0.1:${environment.PORT}`,
    output,
    signal: async (name) => {
      process.kill(-(child.pid ?? 0), name);
      return (await exited)[0];
    },
  };
}

/** Runs a command to its end. */
export async function runToEnd(command: string, args: string[], environment: Record<string, string>) {
  const running = run(command, args, environment);
  const [code] = await once(running.child, 'close');
  return { code: code as number | null, ...running.output };
}

/** Starts the service as a person does and waits until it is ready. */
export async function startProcess(environment: Record<string, string>): Promise<Running> {
  const running = run(START, [], environment);
  await until(
    async () => {
      if (running.child.exitCode !== null) throw new Error(`It ended: ${running.output.stderr}`);
      return fetch(`${running.url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    },
    'the service is ready',
    25_000,
  );
  return running;
}
