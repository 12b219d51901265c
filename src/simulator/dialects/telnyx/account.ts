import type { Simulation } from '../../simulation.ts';
import type { Message } from './message.ts';
import type { TelnyxWebhooks } from './webhooks/sender.ts';

/** The words that create and remove a block rule. Source: https://developers.telnyx.com/docs/messaging/messages/advanced-opt-in-out */
const KEYWORDS = {
  STOP: ['stop', 'stopall', 'stop all', 'unsubscribe', 'cancel', 'end', 'quit'],
  START: ['start', 'unstop'],
  HELP: ['help', 'info'],
};
export type AutoresponseType = keyof typeof KEYWORDS;

/** The Telnyx account: its messages, and the recipients with a block rule, which is of the whole messaging profile. */
export class Account {
  /** By id, in the order of creation. */
  readonly messages = new Map<string, Message>();
  readonly #blocked = new Set<string>();

  clear(): void {
    this.messages.clear();
    this.#blocked.clear();
  }

  apply(recipient: string, type: AutoresponseType | null): void {
    if (type === 'STOP') this.#blocked.add(recipient);
    if (type === 'START') this.#blocked.delete(recipient);
  }

  isBlocked(recipient: string): boolean {
    return this.#blocked.has(recipient);
  }
}

/** The parts that the operations of the account share. */
export interface AccountContext {
  account: Account;
  simulation: Simulation;
  webhooks: TelnyxWebhooks;
}

/** What a text of a recipient asks for; null for an ordinary message. */
export function autoresponseTypeOf(text: string): AutoresponseType | null {
  const word = text.trim().toLowerCase();
  const types = Object.keys(KEYWORDS) as AutoresponseType[];
  return types.find((type) => KEYWORDS[type].includes(word)) ?? null;
}
