import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { until } from './until.ts';

const START = 'bin/start.sh';

export interface Running {
  child: ChildProcess;
  url: string;
  /** The output so far. */
  output: { stdout: string; stderr: string };
  /** Sends a signal to the process group, as a terminal does, and returns the exit code of the process. */
  signal(name: NodeJS.Signals): Promise<number | null>;
}

/**
 * Returns a free port for a process that listens later. The port is below those that systems give to connections (Linux: from
 * 32,768), so that only another caller of this function could take it before.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer();
    try {
      server.listen(randomInt(10_000, 32_000), '127.0.0.1');
      await once(server, 'listening');
    } catch {
      // In use.
      continue;
    }
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** The processes with this data directory in their arguments: a line with the process id and the arguments of each. */
export function processesOf(directory: string): string[] {
  return execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(directory));
}

/** Starts a command in a new process group. */
export function run(command: string, args: string[], environment: Record<string, string>): Running {
  const { PATH = '', NODE_V8_COVERAGE } = process.env;
  // Coverage is measured for the service only.
  const covered = NODE_V8_COVERAGE && command === START;
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ignores the .env file of the developer.
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

/** Runs a command and returns its exit code and output. */
export async function runToEnd(command: string, args: string[], environment: Record<string, string>) {
  const running = run(command, args, environment);
  const [code] = await once(running.child, 'close');
  return { code: code as number | null, ...running.output };
}

/** Starts the service with `bin/start.sh` and waits until the service is ready. */
export async function startProcess(environment: Record<string, string>): Promise<Running> {
  const running = run(START, [], environment);
  await until(
    async () => {
      if (running.child.exitCode !== null) throw new Error(`The service ended: ${running.output.stderr}`);
      return isOk(`${running.url}/readyz`);
    },
    'the service is ready',
    25_000,
  );
  return running;
}

/** Whether a GET request has a 2xx response. */
export function isOk(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** The peak resident memory of a process in MiB. */
export function peakMemoryMiB({ pid }: ChildProcess): number {
  const [, kiB] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kiB) / 1_024);
}
