import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Command, Notice, Report, Reports, WorkerSettings } from './protocol.ts';

const ENTRY = fileURLToPath(new URL('./main.ts', import.meta.url));
/** Options of Node.js that are not for the worker: a smaller heap makes a worker slower, and a port can be used once. */
const OWN_OPTIONS = /^--(max-semi-space-size|heap-growing-percent|inspect)/;
const REPORT_TIMEOUT_MS = 2_000;

export interface Listeners {
  /** Called when the worker claims messages. */
  onStarted: () => void;
  /** Called for each statement of the worker that failed because a stored function is missing. */
  onFunctionMissing: () => void;
}

/** One run of the worker process, which begins with the construction of this object. */
export class WorkerConnection {
  /** Resolves with the reason when the process has ended or could not be started. */
  readonly exited: Promise<string>;
  readonly #child: ChildProcess;
  readonly #reports = new Map<number, (content: Report | null) => void>();
  #requests = 0;

  constructor(settings: WorkerSettings, { onStarted, onFunctionMissing }: Listeners) {
    this.#child = fork(ENTRY, {
      // A separate session, so that Ctrl-C in a terminal reaches the service only, which stops the worker.
      detached: true,
      execArgv: process.execArgv.filter((option) => !OWN_OPTIONS.test(option)),
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.exited = exitOf(this.#child);
    this.#child.on('message', (notice: Notice) => {
      if (notice.type === 'started') onStarted();
      else if (notice.type === 'function_missing') onFunctionMissing();
      else this.#reports.get(notice.id)?.(notice.content);
    });
    void this.send({ type: 'start', settings });
  }

  /** Resolves when the command is written, or when the process has ended. */
  async send(command: Command): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    // The callback receives the error of a process that has ended; the caller learns of the end by `exited`.
    this.#child.send(command, resolve);
    await Promise.race([promise, this.exited]);
  }

  /** Returns null if the process has ended or does not report in time. */
  async report<Subject extends keyof Reports>(subject: Subject): Promise<Reports[Subject] | null> {
    const id = ++this.#requests;
    const { promise, resolve } = Promise.withResolvers<Report | null>();
    this.#reports.set(id, resolve);
    const timer = setTimeout(resolve, REPORT_TIMEOUT_MS, null);
    void this.exited.then(() => resolve(null));
    void this.send({ type: 'report', id, subject });
    const content = await promise;
    clearTimeout(timer);
    this.#reports.delete(id);
    return content as Reports[Subject] | null;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

function exitOf(child: ChildProcess): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  child.on('exit', (code, signal) => resolve(signal ?? `exit status ${code}`));
  // Without a process there is no `exit`. Other errors concern a running process, whose end `exit` reports.
  child.on('error', (error) => {
    if (child.pid === undefined) resolve(error.message);
  });
  return promise;
}
