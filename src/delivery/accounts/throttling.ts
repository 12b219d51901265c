/** The maximum number of throttled recipients in memory. */
const MAX_RECIPIENTS = 1_000;

/**
 * Distinguishes a provider that throttles the account from a provider that throttles one recipient. If a recipient is
 * throttled again, and no other recipient was throttled for the first time in between, only the messages to that recipient
 * wait. If the account is throttled too, the next message to another recipient is throttled and pauses the account.
 */
export class Throttling {
  /** The sequence number of the end of the last throttled call, by recipients. */
  readonly #throttledAt = new Map<string, number>();
  /** The sequence number of the last throttled call to recipients that were not throttled before. */
  #lastNew = 0;
  /** The sequence number of the end of the last call that throttled the account. */
  #last = 0;
  #inARow = 0;

  /** The number of times the account was throttled since the provider last accepted a message. */
  get inARow(): number {
    return this.#inARow;
  }

  /**
   * Counts a throttled call.
   *
   * @param begun the sequence number of the begin of the call.
   * @param ended the sequence number of its end, in the same order.
   * @returns whether the account is throttled, and not only these recipients.
   */
  throttled(recipients: string, begun: number, ended: number): boolean {
    const before = this.#throttledAt.get(recipients);
    if (before === undefined) this.#lastNew = ended;
    if (this.#throttledAt.size >= MAX_RECIPIENTS) this.#throttledAt.clear();
    this.#throttledAt.set(recipients, ended);
    if (before !== undefined && this.#lastNew <= before) return false;
    // Calls that were in progress together are throttled once.
    if (begun > this.#last) this.#inARow++;
    this.#last = ended;
    return true;
  }

  accepted(recipients: string): void {
    this.#throttledAt.delete(recipients);
    this.#inARow = 0;
  }
}
