import type pg from 'pg';
import type { MediaClient } from '../../media/fetching/client.ts';
import { FetchFailure } from '../../media/fetching/failure.ts';
import type { MediaStore } from '../../media/store.ts';
import type { Events } from '../../observability/events.ts';
import { ClaimLoop } from '../../outbox/claim-loop.ts';
import type { Provider } from '../../providers/provider.ts';
import {
  type Claimed,
  claimFetches,
  type FetchedFile,
  postponeFetch,
  releaseFetch,
  settleFailed,
  settleStored,
} from './claim.ts';
import { type FetchLimits, fetchFile, LIMITS } from './fetch.ts';
import { MAX_ATTEMPTS, nextAttemptInMs } from './schedule.ts';

export interface MediaWorkerOptions {
  pool: pg.Pool;
  /** The configured accounts. */
  accounts: readonly Provider[];
  client: MediaClient;
  store: MediaStore;
  events: Events;
  limits?: FetchLimits;
  /** Called after the commit of an event. */
  onSettled: () => void;
}

/**
 * Max files of one account that are fetched at the same time; each has one chunk in memory. An account whose server is slow delays
 * no other account.
 */
const ACCOUNT_CONCURRENCY = 4;
/** Max wait between two claims: a notification can be lost, and the next attempt of a file can be due. */
const POLL_MS = 1_000;
/** A lease is longer than an attempt by this time, in which the attempt is settled. */
const LEASE_MARGIN_MS = 30_000;
/** An attempt that is aborted is repeated by another worker, so that a stop needs not wait for long. */
const PATIENCE_MS = 1_000;
/** The delay of a file that could not be written or settled. */
const STORE_DELAY_MS = 5_000;

/** Fetches the files of inbound messages from their providers. Any number of workers share the files. */
export class MediaWorker {
  readonly #options: Required<MediaWorkerOptions>;
  readonly #held = new Set<Claimed>();
  readonly #loop = new ClaimLoop({ claim: () => this.#claim(), patienceMs: PATIENCE_MS });

  constructor({ limits = LIMITS, ...options }: MediaWorkerOptions) {
    this.#options = { limits, ...options };
  }

  start(): void {
    this.#loop.start();
  }

  /** Claims as soon as possible: a file may be due. */
  wake(): void {
    this.#loop.wake();
  }

  /** Stops claiming, and resolves when the attempts are settled or given back. May be called more than once. */
  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #claim(): Promise<number> {
    const { pool, limits, events } = this.#options;
    try {
      const held = [...this.#held].map(({ account }) => account);
      const leaseMs = limits.totalMs + LEASE_MARGIN_MS;
      for (const claimed of await claimFetches(pool, ACCOUNT_CONCURRENCY, held, leaseMs)) {
        this.#held.add(claimed);
        this.#loop.held.add(this.#attempt(claimed), () => {
          this.#held.delete(claimed);
          this.#loop.wake();
        });
      }
    } catch (error) {
      events.failed('media', error);
    }
    return POLL_MS;
  }

  /** Makes one attempt and settles it. Without the database, the lease ends by itself. */
  async #attempt(claimed: Claimed): Promise<void> {
    const { pool, events } = this.#options;
    const start = performance.now();
    try {
      const result = await this.#fetch(claimed);
      await this.#settle(claimed, result, (performance.now() - start) / 1_000);
    } catch (error) {
      const isStopped = this.#loop.signal.aborted;
      if (!isStopped) events.failed('media', error);
      await releaseFetch(pool, claimed, isStopped ? 0 : STORE_DELAY_MS).catch(() => undefined);
    }
  }

  /**
   * The stored file, or the failure of the attempt.
   *
   * @throws {Error} if the attempt has no result, because the worker is stopped or the store failed.
   */
  async #fetch(claimed: Claimed): Promise<FetchedFile | FetchFailure> {
    const { accounts, limits } = this.#options;
    if (claimed.attempt_count > MAX_ATTEMPTS) return new FetchFailure('unreachable', WORKER_LOST);
    const provider = accounts.find(({ name }) => name === claimed.account);
    if (!provider) return new FetchFailure('refused', 'The account is not configured any more.');
    const { signal } = this.#loop;
    const time = AbortSignal.timeout(limits.totalMs);
    try {
      return await fetchFile(this.#options, claimed, provider, AbortSignal.any([signal, time]));
    } catch (error) {
      if (signal.aborted || !(error instanceof FetchFailure)) throw error;
      return time.aborted ? new FetchFailure('unreachable', 'The file did not arrive in time.') : error;
    }
  }

  async #settle(claimed: Claimed, result: FetchedFile | FetchFailure, seconds: number): Promise<void> {
    const { pool, store, events, onSettled } = this.#options;
    const { media_id: mediaId, account, attempt_count: number } = claimed;
    const attempt = { mediaId, account, number, seconds };
    if (!(result instanceof FetchFailure)) {
      const { id, size } = result.object;
      if (!(await settleStored(pool, claimed, result))) return store.remove([id]);
      onSettled();
      return events.mediaStored({ ...attempt, size });
    }
    const { code, message: detail, retryAfterMs } = result;
    if (!result.isFinal(number, MAX_ATTEMPTS)) {
      await postponeFetch(pool, claimed, nextAttemptInMs(number, retryAfterMs, Math.random()));
      return events.mediaPostponed({ ...attempt, code, detail });
    }
    if (!(await settleFailed(pool, claimed, { code, detail }))) return;
    onSettled();
    events.mediaFailed({ ...attempt, code, detail });
  }
}

const WORKER_LOST = `The worker ended unexpectedly during the last of ${MAX_ATTEMPTS} attempts.`;
