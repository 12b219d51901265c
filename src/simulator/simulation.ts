import { FaultList } from './faults.ts';
import { seededRandom } from './random.ts';
import { report } from './receipts.ts';
import { merge, type Settings } from './settings.ts';
import { type Accepted, Store } from './store.ts';
import type { WebhookSender } from './webhooks.ts';

/** The state of the simulated providers, as it stands between two resets. */
export class Simulation {
  store = new Store();
  faults = new FaultList();
  settings: Settings;
  random: () => number;
  readonly sender: WebhookSender;
  #initial: Settings;
  #receipts = new AbortController();

  constructor(settings: Settings, sender: WebhookSender) {
    this.settings = settings;
    this.#initial = settings;
    this.random = seededRandom(settings.seed);
    this.sender = sender;
  }

  /** @throws {ControlError} where a setting is unknown or cannot have this value. */
  change(change: unknown): void {
    const { seed } = this.settings;
    this.settings = merge(this.settings, change);
    if (this.settings.seed !== seed) this.random = seededRandom(this.settings.seed);
  }

  accept(channel: Accepted['channel'], key: string | null, request: Record<string, unknown>): Accepted {
    const { message, repeated } = this.store.accept(
      channel,
      key,
      request,
      this.settings.honour_idempotency_keys,
    );
    if (!repeated && this.settings.receipts.enabled) {
      // A receipt that the service never takes is dropped, as a provider drops it in the end.
      report(message, this.settings, this.random, this.sender, this.#receipts.signal).catch(() => undefined);
    }
    return message;
  }

  /** No faults, nothing taken, no receipt on its way; the settings as they were at start. */
  reset(): void {
    this.#receipts.abort();
    this.#receipts = new AbortController();
    this.store = new Store();
    this.faults = new FaultList();
    this.settings = this.#initial;
    this.random = seededRandom(this.settings.seed);
  }

  close(): void {
    this.#receipts.abort();
    this.sender.close();
  }
}
