import type { KeyObject } from 'node:crypto';
import type { Simulation } from '../../simulation.ts';
import type { VonageWebhooks } from './webhooks.ts';

/** The account at Vonage, its application, and the recipients who opted out. */
export class Account {
  readonly apiKey: string;
  readonly applicationId: string;
  /** Verifies the tokens of requests; null if the token of any key is accepted. */
  readonly publicKey: KeyObject | null;
  /** The senders that each recipient opted out of. */
  readonly #optOuts = new Map<string, Set<string>>();

  constructor({ apiKey, applicationId, publicKey }: Pick<Account, 'apiKey' | 'applicationId' | 'publicKey'>) {
    this.apiKey = apiKey;
    this.applicationId = applicationId;
    this.publicKey = publicKey;
  }

  clear(): void {
    this.#optOuts.clear();
  }

  setOptOut(recipient: string, sender: string, optedOut: boolean): void {
    const senders = this.#optOuts.get(recipient) ?? new Set();
    this.#optOuts.set(recipient, senders);
    if (optedOut) senders.add(sender);
    else senders.delete(sender);
  }

  hasOptedOut(recipient: string, sender: string): boolean {
    return this.#optOuts.get(recipient)?.has(sender) ?? false;
  }
}

/** The parts that the operations of the account share. */
export interface AccountContext {
  account: Account;
  simulation: Simulation;
  webhooks: VonageWebhooks;
}
