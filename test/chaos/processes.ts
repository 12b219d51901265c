import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The processes and folders that this process removes when it exits. */
const running = new Map<number, NodeJS.Signals>();
const folders = new Set<string>();
process.on('exit', () => {
  for (const [pid, signal] of running) kill(pid, signal);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
});

/** A process that is restarted when it exits, as by a process supervisor. */
export interface Supervised {
  /** Sends SIGKILL; waits for a restart in progress first. Resolves when the next process is started. */
  kill(onKill: () => void): Promise<void>;
  /** Sends SIGTERM, and SIGKILL after `STOP_MS`. The process is not restarted. */
  stop(): Promise<void>;
}

export interface Command {
  command: string;
  args: string[];
  environment: Record<string, string>;
  /** The path of the file for stdout and stderr. */
  log: string;
  /** Called after an exit without `kill` or `stop`, with the exit code or signal and the last line of the log. */
  onExit: (reason: string) => void;
}

const RESTART_MS = 1_000;
const STOP_MS = 10_000;

export function supervise(command: Command): Supervised {
  let child = start(command);
  let expected = false;
  let replaced: Promise<void>;
  watch();

  function watch(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    replaced = promise;
    const watched = child;
    child.once('exit', async (code, signal) => {
      running.delete(watched.pid ?? 0);
      if (stopping) return resolve();
      if (!expected) {
        command.onExit(`exit ${code ?? signal}: ${lastLine(command.log)}`);
        await sleep(RESTART_MS);
        if (stopping) return resolve();
      }
      expected = false;
      child = start(command);
      watch();
      resolve();
    });
  }

  let stopping = false;
  return {
    kill: async (onKill) => {
      while (hasEnded(child) && !stopping) await replaced;
      if (stopping) return;
      onKill();
      expected = true;
      const restarted = replaced;
      child.kill('SIGKILL');
      await restarted;
    },
    stop: async () => {
      stopping = true;
      if (hasEnded(child)) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** @throws {Error} the process exits with a code other than 0. */
export async function runToEnd(command: Omit<Command, 'onExit'>): Promise<void> {
  const child = start(command);
  const [code, signal] = await once(child, 'exit');
  running.delete(child.pid ?? 0);
  if (code !== 0) throw new Error(`${command.command}: exit ${code ?? signal}: ${lastLine(command.log)}`);
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function start({ command, args, environment, log }: Omit<Command, 'onExit'>): ChildProcess {
  const file = openSync(log, 'a');
  const child = spawn(command, args, {
    // A process group of its own: Ctrl-C reaches only the driver, which stops the processes in order.
    detached: true,
    stdio: ['ignore', file, file],
    env: { PATH: process.env.PATH, ENV_FILE: '/dev/null', ...environment },
  });
  closeSync(file);
  if (child.pid) running.set(child.pid, 'SIGKILL');
  return child;
}

function lastLine(log: string): string {
  return readFileSync(log, 'utf8').trimEnd().split('\n').at(-1) ?? '';
}

/** Removes the folder when this process exits. */
export function removeOnExit(folder: string): void {
  folders.add(folder);
}

/** Sends the signal when this process exits. */
export function killOnExit(pid: number, signal: NodeJS.Signals): void {
  running.set(pid, signal);
}

/** Returns false if the process does not exist. */
export function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
