import type { SmtpFault, SmtpPhase } from './dialects/smtp/faults.ts';
import { FaultList, type ProviderRequest } from './fault-list.ts';
import { applyFaults, type Exchange } from './faults.ts';
import { Files } from './media/files.ts';
import { seededRandom } from './random.ts';
import { merge, type Settings, type SettingsChange } from './settings.ts';
import { type Call, Store } from './store.ts';
import { WebhookClient } from './webhook-client.ts';

/** The state of the simulated providers between two resets, without the messages that only one dialect has. */
export class Simulation {
  store = new Store();
  faults = new FaultList();
  /** The files that inbound messages can have. */
  files = new Files();
  settings: Settings;
  /** The URL of the simulator. */
  url = '';
  readonly webhooks = new WebhookClient((call) => this.store.logWebhook(call));
  #initial: Settings;
  #receipts = new AbortController();
  #random: { faults: () => number; receipts: () => number };

  constructor(settings: Settings) {
    this.settings = settings;
    this.#initial = settings;
    this.#random = randomFor(settings.seed);
  }

  /** The source of randomness for receipts. */
  get random(): () => number {
    return this.#random.receipts;
  }

  /** Is aborted when the pending receipts are dropped. */
  get signal(): AbortSignal {
    return this.#receipts.signal;
  }

  /** Applies the faults of a call. Returns whether a fault ended the call. */
  endsByFault(request: ProviderRequest, exchange: Exchange): Promise<boolean> {
    const faults = this.faults.draw(request, this.#random.faults);
    (exchange.response.locals.call as Call).fault = faults.at(-1)?.type ?? null;
    return applyFaults(faults, exchange);
  }

  /** The fault of a step of an SMTP session; null without one. */
  drawSmtp(phase: SmtpPhase, recipients: readonly string[]): SmtpFault | null {
    const step = { kind: 'send', dialect: 'smtp', channel: 'email', recipients, phase } as const;
    return (this.faults.draw(step, this.#random.faults)[0] as SmtpFault | undefined) ?? null;
  }

  change(change: SettingsChange): void {
    const { seed } = this.settings;
    this.settings = merge(this.settings, change);
    if (this.settings.seed !== seed) this.#random = randomFor(this.settings.seed);
  }

  /** Removes all faults, files, messages and pending receipts, and restores the settings and the seed of the start. */
  reset(): void {
    this.close();
    this.#receipts = new AbortController();
    this.store = new Store();
    this.faults = new FaultList();
    this.files = new Files();
    this.settings = this.#initial;
    this.#random = randomFor(this.settings.seed);
  }

  close(): void {
    this.#receipts.abort();
    this.webhooks.cut();
  }
}

/** Two sources, so that the receipts of a message do not change which request has a fault. */
function randomFor(seed: number): { faults: () => number; receipts: () => number } {
  return { faults: seededRandom(seed), receipts: seededRandom(~seed) };
}
