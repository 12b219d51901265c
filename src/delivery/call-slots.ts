import type { HeldWork } from '../outbox/held-work.ts';
import type { FreeSlots } from './accounts/breaker.ts';
import type { Claimed } from './claim.ts';

type Texts = Pick<Claimed, 'body'> & { email: Pick<NonNullable<Claimed['email']>, 'text'> | null };

/** Above this share of busy slots, the worker claims less often. */
const BUSY = 1 / 2;
/** Max share of the calls for messages with an earlier attempt: if all of these hang, new messages are still sent. */
const RETRIES = 1 / 2;
/** Max messages per call slot that are claimed and not settled. */
const UNSETTLED = 4;
/** Max UTF-16 units of the texts in memory; above this length the worker claims nothing. */
const MAX_LENGTH = 32 * 1_048_576;

/** The limits on the work of one worker: concurrent calls, messages that are not settled, and the length of their texts. */
export class CallSlots {
  readonly #concurrency: number;
  readonly #calls: FreeSlots = { calls: 0, retries: 0 };
  readonly #held: HeldWork;
  #length = 0;
  #notBusy = Promise.withResolvers<void>();

  /**
   * @param concurrency max concurrent calls.
   * @param held the messages that are claimed and not settled.
   */
  constructor(concurrency: number, held: HeldWork) {
    this.#concurrency = concurrency;
    this.#held = held;
  }

  get isBusy(): boolean {
    return this.#calls.calls > this.#concurrency * BUSY;
  }

  /** The numbers of calls that may begin. */
  free(): FreeSlots {
    const free = Math.min(
      this.#concurrency - this.#calls.calls,
      this.#concurrency * UNSETTLED - this.#held.size,
    );
    return {
      calls: this.#length >= MAX_LENGTH ? 0 : free,
      retries: Math.max(1, Math.floor(this.#concurrency * RETRIES)) - this.#calls.retries,
    };
  }

  /** Counts a call while it runs. */
  async call<T>(isRetry: boolean, run: () => Promise<T>): Promise<T> {
    const retries = isRetry ? 1 : 0;
    this.#calls.calls++;
    this.#calls.retries += retries;
    try {
      return await run();
    } finally {
      this.#calls.calls--;
      this.#calls.retries -= retries;
      if (!this.isBusy) this.#notBusy.resolve();
    }
  }

  /** Counts a message until `delivery` is settled, then calls `onSettled`. */
  hold(message: Texts, delivery: Promise<void>, onSettled: () => void): void {
    const length = lengthOf(message);
    this.#length += length;
    this.#held.add(delivery, () => {
      this.#length -= length;
      onSettled();
    });
  }

  /** Resolves when a call ends and `isBusy` is false. */
  notBusy(): Promise<void> {
    this.#notBusy = Promise.withResolvers();
    return this.#notBusy.promise;
  }
}

/** The HTML of an email is its body. */
function lengthOf({ body, email }: Texts): number {
  return body.length + (email?.text?.length ?? 0);
}
