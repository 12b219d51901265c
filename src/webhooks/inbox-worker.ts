import { ClaimLoop } from '../outbox/claim-loop.ts';
import { type AttemptOptions, abandonWebhook, attemptWebhook } from './attempt.ts';
import { claimWebhooks, type Leased, MAX_ATTEMPTS } from './lease.ts';

/** Max webhooks in memory. */
const CONCURRENCY = 4;
/** Max wait between two claims: a notification can be lost, and the next attempt of a webhook can be due. */
const POLL_MS = 1_000;

/** Processes the pending webhooks of the inbox. Any number of workers share the inbox. */
export class InboxWorker {
  readonly #options: AttemptOptions;
  readonly #loop = new ClaimLoop({ claim: () => this.#claim() });

  constructor(options: AttemptOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop.start();
  }

  /** Claims as soon as possible: a webhook may be due. */
  wake(): void {
    this.#loop.wake();
  }

  /** Stops claiming and resolves when the claimed webhooks are processed. May be called more than once. */
  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #claim(): Promise<number> {
    const claimed = await this.#processDue().catch((error) => {
      this.#options.events.failed('webhook_inbox', error);
      return 0;
    });
    return claimed < CONCURRENCY ? POLL_MS : 0;
  }

  /** Claims and processes due webhooks. Resolves with their number. */
  async #processDue(): Promise<number> {
    const claimed = await claimWebhooks(this.#options.pool, CONCURRENCY);
    await Promise.all(claimed.map((leased) => this.#process(leased)));
    return claimed.length;
  }

  async #process(leased: Leased): Promise<void> {
    try {
      if (leased.attempts > MAX_ATTEMPTS) await abandonWebhook(this.#options, leased);
      else await attemptWebhook(this.#options, leased, async () => undefined);
    } catch (error) {
      this.#options.events.failed('webhook_inbox', error);
    }
  }
}
