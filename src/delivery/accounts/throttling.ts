/** Recipients remembered as throttled. */
const MAX_KNOWN = 1_000;

/**
 * Distinguishes a provider that throttles the account from a provider that throttles one recipient. If a recipient is
 * throttled again and no other recipient was throttled for the first time in between, only the messages to that recipient
 * wait; the next message to another recipient shows whether the account is throttled.
 *
 * Calls and their ends are numbered in one order.
 */
export class Throttling {
  /** The number of the end of the last throttled call, by recipient. */
  readonly #known = new Map<string, number>();
  #lastNew = 0;
  #last = 0;
  #inARow = 0;

  /** How often the account was throttled since the provider last accepted a message. */
  get inARow(): number {
    return this.#inARow;
  }

  /** Whether the account is throttled, and not only this recipient. */
  throttled(recipients: string, begun: number, ended: number): boolean {
    const before = this.#known.get(recipients);
    if (before === undefined) this.#lastNew = ended;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(recipients, ended);
    if (before !== undefined && this.#lastNew <= before) return false;
    // Calls that were in progress together are throttled once.
    if (begun > this.#last) this.#inARow++;
    this.#last = ended;
    return true;
  }

  accepted(recipients: string): void {
    this.#known.delete(recipients);
    this.#inARow = 0;
  }
}
