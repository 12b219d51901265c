import { FaultList } from './fault-list.ts';
import { outcomesOf, report } from './provider/receipts.ts';
import { merge, type Settings } from './provider/settings.ts';
import type { WebhookSender } from './provider/webhooks.ts';
import { seededRandom } from './random.ts';
import { type Accepted, Store } from './store.ts';

/** The state of the simulated providers, as it stands between two resets. */
export class Simulation {
  store = new Store();
  faults = new FaultList();
  settings: Settings;
  readonly sender: WebhookSender;
  #initial: Settings;
  #receipts = new AbortController();
  #random: { faults: () => number; receipts: () => number };

  constructor(settings: Settings, sender: WebhookSender) {
    this.settings = settings;
    this.#initial = settings;
    this.#random = randomFor(settings.seed);
    this.sender = sender;
  }

  /** Decides the faults that have a probability. */
  get random(): () => number {
    return this.#random.faults;
  }

  /** @throws {ControlError} where a setting is unknown or cannot have this value. */
  change(change: unknown): void {
    const { seed } = this.settings;
    this.settings = merge(this.settings, change);
    if (this.settings.seed !== seed) this.#random = randomFor(this.settings.seed);
  }

  /**
   * Takes a message and begins to report on it; a repeat under a key that is honoured is the message it
   * repeats.
   */
  accept(channel: Accepted['channel'], key: string | null, request: Record<string, unknown>): Accepted {
    const { settings } = this;
    const { message, repeated } = this.store.accept(channel, key, request, settings.honour_idempotency_keys);
    if (!repeated && settings.receipts.enabled) {
      const outcomes = outcomesOf(message, settings, this.#random.receipts);
      void report(message, outcomes, () => this.settings, this.sender, this.#receipts.signal);
    }
    return message;
  }

  /**
   * No faults, nothing taken, no receipt on its way; the settings and the randomness as they were at
   * start.
   */
  reset(): void {
    this.close();
    this.#receipts = new AbortController();
    this.store = new Store();
    this.faults = new FaultList();
    this.settings = this.#initial;
    this.#random = randomFor(this.settings.seed);
  }

  close(): void {
    this.#receipts.abort();
    this.sender.cut();
  }
}

/** Two sources, so that how long a message takes to be accepted does not decide which request has a fault. */
function randomFor(seed: number): { faults: () => number; receipts: () => number } {
  return { faults: seededRandom(seed), receipts: seededRandom(~seed) };
}
