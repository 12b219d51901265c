import type { Simulation } from '../../simulation.ts';
import type { Message } from './message.ts';
import type { TwilioWebhooks } from './webhooks/sender.ts';

/** The words that opt out or in, and that ask for help. Source: https://help.twilio.com/articles/223134027 */
const KEYWORDS = {
  STOP: ['stop', 'stopall', 'unsubscribe', 'cancel', 'end', 'quit', 'revoke', 'optout'],
  START: ['start', 'yes', 'unstop'],
  HELP: ['help', 'info'],
};
export type OptOutType = keyof typeof KEYWORDS;

/** The Twilio account: its messages and the recipients who opted out. */
export class Account {
  readonly sid: string;
  /** By SID, in the order of creation. */
  readonly messages = new Map<string, Message>();
  /** The senders that each recipient opted out of. */
  readonly #optOuts = new Map<string, Set<string>>();

  constructor(sid: string) {
    this.sid = sid;
  }

  clear(): void {
    this.messages.clear();
    this.#optOuts.clear();
  }

  /** Messages in the order of creation, the newest first. */
  newestFirst(): Message[] {
    return [...this.messages.values()].reverse();
  }

  /** @param senders phone numbers and Messaging Services. */
  setOptOut(recipient: string, senders: string[], type: OptOutType | null): void {
    const optedOut = this.#optOuts.get(recipient) ?? new Set();
    this.#optOuts.set(recipient, optedOut);
    for (const sender of senders) {
      if (type === 'STOP') optedOut.add(sender);
      if (type === 'START') optedOut.delete(sender);
    }
  }

  hasOptedOut(recipient: string, senders: string[]): boolean {
    const optedOut = this.#optOuts.get(recipient);
    return senders.some((sender) => optedOut?.has(sender));
  }
}

/** The parts that the operations of the account share. */
export interface AccountContext {
  account: Account;
  simulation: Simulation;
  webhooks: TwilioWebhooks;
}

/** What a text of a recipient asks for; null for an ordinary message. */
export function optOutTypeOf(body: string): OptOutType | null {
  const word = body.trim().toLowerCase();
  const types = Object.keys(KEYWORDS) as OptOutType[];
  return types.find((type) => KEYWORDS[type].includes(word)) ?? null;
}
