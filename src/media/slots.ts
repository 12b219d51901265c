import { UnavailableError } from '../errors.ts';

/** Limits the transfers that run at once, each of which keeps a part of its file in memory. */
export class Slots {
  readonly #count: number;
  readonly #plural: string;
  #taken = 0;
  #onIdle: (() => void) | undefined;

  /**
   * @param count the max number of transfers at once.
   * @param plural the word for the transfers in an error text.
   */
  constructor(count: number, plural: string) {
    this.#count = count;
    this.#plural = plural;
  }

  /**
   * Takes a slot until the result is disposed.
   *
   * @throws {UnavailableError} if no slot is free.
   */
  take(): Disposable {
    if (this.#taken === this.#count) throw new UnavailableError(`Too many ${this.#plural} at once.`);
    this.#taken++;
    return {
      [Symbol.dispose]: () => {
        if (--this.#taken === 0) this.#onIdle?.();
      },
    };
  }

  /** Resolves when no slot is taken. */
  async idle(): Promise<void> {
    if (this.#taken > 0)
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
  }
}
