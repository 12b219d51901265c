import { setMaxListeners } from 'node:events';
import { HeldWork } from './held-work.ts';

export interface ClaimLoopOptions {
  /**
   * Claims due work, and begins or completes it. Resolves with the time until the next claim, in milliseconds. Never rejects.
   */
  claim: () => Promise<number>;
  /** Awaited after each wait, so that claims are less frequent. `stopped` resolves when the loop is stopped. */
  pace?: (stopped: Promise<void>) => Promise<unknown>;
  /** The time for which `stop` waits for the work before it aborts the signal, in milliseconds; default: no limit. */
  patienceMs?: number;
}

/** Claims due work again and again, when `wake` is called or some time has passed. */
export class ClaimLoop {
  /** The work that is claimed and not settled, which `stop` waits for. */
  readonly held = new HeldWork();
  readonly #options: ClaimLoopOptions;
  readonly #abort = new AbortController();
  #woken = Promise.withResolvers<void>();
  readonly #stopped = Promise.withResolvers<void>();
  #running: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  constructor(options: ClaimLoopOptions) {
    this.#options = options;
    // One listener per call.
    setMaxListeners(0, this.#abort.signal);
  }

  /** Aborted when `stop` has waited for `patienceMs`. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Claims again as soon as possible: work may be due. */
  wake(): void {
    this.#woken.resolve();
  }

  /** Stops claiming and resolves when all held work is settled. May be called more than once. */
  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      this.#woken = Promise.withResolvers();
      const waitMs = await this.#options.claim();
      await resolvedOrAfter(this.#woken.promise, waitMs);
      await this.#options.pace?.(this.#stopped.promise);
    }
  }

  async #end(): Promise<void> {
    const { patienceMs } = this.#options;
    this.wake();
    this.#stopped.resolve();
    await this.#running;
    const abort = () => this.#abort.abort(new Error('The worker was stopped'));
    const timer = patienceMs === undefined ? undefined : setTimeout(abort, patienceMs);
    await this.held.idle();
    clearTimeout(timer);
  }
}

/** Resolves with the promise, or after `ms` milliseconds. Returns whether the promise was first. */
export async function resolvedOrAfter(promise: Promise<void>, ms: number): Promise<boolean> {
  const timeout = Promise.withResolvers<false>();
  const timer = setTimeout(() => timeout.resolve(false), ms);
  const isResolved = await Promise.race([promise.then(() => true), timeout.promise]);
  clearTimeout(timer);
  return isResolved;
}
