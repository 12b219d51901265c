import { ClaimLoop } from '../../outbox/claim-loop.ts';
import { type AttemptOptions, abandonWebhook, attemptWebhook } from '../attempt.ts';
import { claimWebhooks, type Leased, MAX_ATTEMPTS } from './lease.ts';

/** Max webhooks in memory, and max large webhooks: a large email needs several times its size. */
const CONCURRENCY = { small: 4, large: 1 };
/** Max wait between two claims: a notification can be lost, and the next attempt of a webhook can be due. */
const POLL_MS = 1_000;

/** Processes the pending webhooks of the inbox. Any number of workers share the inbox. */
export class InboxWorker {
  readonly #options: AttemptOptions;
  readonly #loops = (['small', 'large'] as const).map(
    (size) => new ClaimLoop({ claim: () => this.#claim(size) }),
  );

  constructor(options: AttemptOptions) {
    this.#options = options;
  }

  start(): void {
    for (const loop of this.#loops) loop.start();
  }

  /** Claims as soon as possible: a webhook may be due. */
  wake(): void {
    for (const loop of this.#loops) loop.wake();
  }

  /** Stops claiming and resolves when the claimed webhooks are processed. May be called more than once. */
  async stop(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.stop()));
  }

  async #claim(size: keyof typeof CONCURRENCY): Promise<number> {
    const claimed = await this.#processDue(size).catch((error) => {
      this.#options.events.failed('webhook_inbox', error);
      return 0;
    });
    return claimed < CONCURRENCY[size] ? POLL_MS : 0;
  }

  /** Claims and processes due webhooks. Resolves with their number. */
  async #processDue(size: keyof typeof CONCURRENCY): Promise<number> {
    const claimed = await claimWebhooks(this.#options.pool, CONCURRENCY[size], size === 'large');
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
