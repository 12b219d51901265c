import { outcomesOf, report } from './dialects/standard/receipts.ts';
import type { WebhookSender } from './dialects/standard/webhooks.ts';
import { FaultList } from './fault-list.ts';
import { seededRandom } from './random.ts';
import { merge, type Settings, type SettingsChange } from './settings.ts';
import { type Accepted, Store } from './store.ts';

/** The state of the simulated providers between two resets. */
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

  /** The source of randomness for faults with a probability. */
  get random(): () => number {
    return this.#random.faults;
  }

  change(change: SettingsChange): void {
    const { seed } = this.settings;
    this.settings = merge(this.settings, change);
    if (this.settings.seed !== seed) this.#random = randomFor(this.settings.seed);
  }

  /**
   * Accepts a message and starts to send its receipts. If idempotency keys are supported, a repeated request returns the
   * first message.
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
   * Removes all faults, messages and pending receipts, and restores the settings and the seed of the start.
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

/** Two sources, so that the receipts of a message do not change which request has a fault. */
function randomFor(seed: number): { faults: () => number; receipts: () => number } {
  return { faults: seededRandom(seed), receipts: seededRandom(~seed) };
}
