import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** What ends with this process, however it comes to that: processes, and folders. */
const living = new Map<number, NodeJS.Signals>();
const folders = new Set<string>();
process.on('exit', () => {
  for (const [pid, signal] of living) kill(pid, signal);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
});

/** A process that is started again whenever it ends, as a supervisor would. */
export interface Supervised {
  /** Kills it without warning, one that is just being started again when it is; resolves when the next one is started. */
  kill(onKill: () => void): Promise<void>;
  /** Ends it for good, gently, and without warning where it does not listen. */
  stop(): Promise<void>;
}

export interface Command {
  command: string;
  args: string[];
  environment: Record<string, string>;
  /** Where it writes. */
  log: string;
  /** Told how, and what it wrote last. */
  onEndedByItself: (how: string) => void;
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
      living.delete(watched.pid ?? 0);
      if (stopping) return resolve();
      if (!expected) {
        command.onEndedByItself(`exit ${code ?? signal}: ${lastLine(command.log)}`);
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
      const gone = replaced;
      child.kill('SIGKILL');
      await gone;
    },
    stop: async () => {
      stopping = true;
      if (hasEnded(child)) return;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await gone;
      clearTimeout(timer);
    },
  };
}

/** @throws where it does not end well. */
export async function runToEnd(command: Omit<Command, 'onEndedByItself'>): Promise<void> {
  const child = start(command);
  const [code, signal] = await once(child, 'exit');
  living.delete(child.pid ?? 0);
  if (code !== 0) throw new Error(`${command.command}: exit ${code ?? signal}: ${lastLine(command.log)}`);
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function start({ command, args, environment, log }: Omit<Command, 'onEndedByItself'>): ChildProcess {
  const file = openSync(log, 'a');
  const child = spawn(command, args, {
    // In a group of its own: Ctrl-C is for the driver, which then stops everything in its order.
    detached: true,
    stdio: ['ignore', file, file],
    env: { PATH: process.env.PATH, ENV_FILE: '/dev/null', ...environment },
  });
  closeSync(file);
  if (child.pid) living.set(child.pid, 'SIGKILL');
  return child;
}

function lastLine(log: string): string {
  return readFileSync(log, 'utf8').trimEnd().split('\n').at(-1) ?? '';
}

/** Removed when this process ends, if it is still there; a process is ended by a signal. */
export function endsWithUs(thing: string | number, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (typeof thing === 'string') folders.add(thing);
  else living.set(thing, signal);
}

export function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
