import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from '../../errors.ts';
import { type EmbeddedDatabase, startEmbedded } from './embedded.ts';

export interface SupervisionOptions {
  /** Called before each step of the first start that may take seconds. */
  onStep: (step: string) => void;
  /** Called when the server has ended without `stop`. */
  onExit: (reason: string) => void;
  /** Called after each restart. */
  onRestart: () => void;
}

/** The delay before each restart. */
const DELAYS_MS = [0, 500, 1_000, 2_000, 4_000];
/** After a run of this length, the count of restarts starts at 0 again. */
const STABLE_MS = 60_000;

/**
 * Starts the embedded PostgreSQL, and restarts it on the same port whenever it ends without `stop`.
 *
 * @throws {StartError} if the first start fails.
 */
export async function superviseEmbedded(
  dataDir: string,
  options: SupervisionOptions,
): Promise<SupervisedDatabase> {
  const server = await startEmbedded(dataDir, { onStep: options.onStep });
  return new SupervisedDatabase(dataDir, server, options);
}

export class SupervisedDatabase {
  readonly url: string;
  /** Resolves when the server has ended and cannot be restarted. */
  readonly failed: Promise<StartError>;
  readonly #dataDir: string;
  readonly #options: SupervisionOptions;
  readonly #stopping = new AbortController();
  readonly #supervision: Promise<void>;
  #server: EmbeddedDatabase;

  constructor(dataDir: string, server: EmbeddedDatabase, options: SupervisionOptions) {
    const failed = Promise.withResolvers<StartError>();
    this.url = server.url;
    this.failed = failed.promise;
    this.#dataDir = dataDir;
    this.#server = server;
    this.#options = options;
    this.#supervision = this.#supervise().catch(failed.resolve);
  }

  /** Stops the server and its restarts; resolves when the server has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#server.stop();
    await this.#supervision;
    // A restart may have started another server in the meantime.
    await this.#server.stop();
  }

  async #supervise(): Promise<void> {
    for (let restarts = 0; ; ) {
      const started = performance.now();
      const reason = await this.#server.exited;
      if (this.#stopping.signal.aborted) return;
      this.#options.onExit(reason);
      // If only the supervising shell was killed, the server still runs.
      await this.#server.stop();
      restarts = await this.#restart(performance.now() - started > STABLE_MS ? 0 : restarts, reason);
      if (this.#stopping.signal.aborted) return;
      this.#options.onRestart();
    }
  }

  /** Returns the number of restarts so far. @throws {StartError} if every restart failed. */
  async #restart(restarts: number, reason: string): Promise<number> {
    let failure = failureOf(this.#dataDir, reason);
    for (let count = restarts; count < DELAYS_MS.length; count++) {
      await sleep(DELAYS_MS[count], undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      if (this.#stopping.signal.aborted) return count;
      try {
        const port = Number(new URL(this.url).port);
        this.#server = await startEmbedded(this.#dataDir, { port, keepLog: true });
        return count + 1;
      } catch (error) {
        failure = error instanceof StartError ? error : failureOf(this.#dataDir, (error as Error).message);
      }
    }
    throw failure;
  }
}

function failureOf(dataDir: string, reason: string): StartError {
  return new StartError([`DATA_DIR: PostgreSQL ended and could not be restarted in ${dataDir}: ${reason}`]);
}
