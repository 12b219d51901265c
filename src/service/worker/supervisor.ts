import { setTimeout as sleep } from 'node:timers/promises';
import type { Events } from '../../observability/events.ts';
import { combineCalls } from '../../outbox/combine-calls.ts';
import { WorkerConnection } from './connection.ts';
import type { Reports, WorkerSettings } from './protocol.ts';

/** The delay before each restart; the last delay repeats. */
const DELAYS_MS = [0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000];
/** After a run of this length, the first delay applies again. */
const STABLE_MS = 60_000;
/** Min time between two wake-ups: under load, one wake-up covers many messages. */
const WAKE_EVERY_MS = 5;
/** The share of `STOP_TIMEOUT_MS` after which the process is killed, so that it ends before the service gives up. */
const KILL_AFTER = 0.9;

export interface SupervisorOptions {
  events: Events;
  /** Called before each restart, when no worker process runs. */
  beforeRestart: () => Promise<void>;
  /** Called when a stored function is missing. */
  onFunctionMissing: () => void;
}

/** Runs the worker in a process of its own, and restarts the process whenever it ends without `stop`. */
export class WorkerSupervisor {
  readonly wake: () => void;
  readonly #settings: WorkerSettings;
  readonly #options: SupervisorOptions;
  readonly #stopping = new AbortController();
  #connection: WorkerConnection | undefined;
  #supervision: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(settings: WorkerSettings, options: SupervisorOptions) {
    this.#settings = settings;
    this.#options = options;
    this.wake = combineCalls(async () => this.#connection?.send({ type: 'wake' }), WAKE_EVERY_MS);
  }

  start(): void {
    this.#supervision = this.#supervise();
  }

  async accounts(): Promise<Reports['accounts']> {
    return (await this.#connection?.report('accounts')) ?? [];
  }

  async metrics(): Promise<Reports['metrics']> {
    return (await this.#connection?.report('metrics')) ?? [];
  }

  /** Resolves when the process has ended. May be called more than once. */
  stop(): Promise<void> {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  async #end(): Promise<void> {
    this.#stopping.abort();
    const connection = this.#connection;
    const timer = setTimeout(() => {
      this.#options.events.failed(
        'worker_process',
        new Error('The worker process did not stop and is killed'),
      );
      connection?.kill();
    }, this.#settings.config.stopTimeoutMs * KILL_AFTER);
    await connection?.send({ type: 'stop' });
    await this.#supervision;
    clearTimeout(timer);
  }

  async #supervise(): Promise<void> {
    const { signal } = this.#stopping;
    let runs = 0;
    for (let restarts = 0; !signal.aborted; restarts++) {
      const started = performance.now();
      const reason = await this.#run(runs++);
      this.#connection = undefined;
      if (signal.aborted) return;
      this.#options.events.workerExited(reason);
      if (performance.now() - started > STABLE_MS) restarts = 0;
      await sleep(DELAYS_MS[restarts] ?? DELAYS_MS.at(-1), undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.#options.beforeRestart();
    }
  }

  /** Starts the process and returns the reason when it has ended. */
  async #run(restarts: number): Promise<string> {
    const { events, onFunctionMissing } = this.#options;
    try {
      this.#connection = new WorkerConnection(this.#settings, {
        onStarted: () => events.workerStarted(restarts),
        onFunctionMissing,
      });
    } catch (error) {
      return (error as Error).message;
    }
    return this.#connection.exited;
  }
}
