/** Limits the bytes of files in memory. */
export class ByteBudget {
  readonly #bytes: number;
  #free: number;
  /** The waiting calls, in their order, so that large files are not delayed forever. */
  readonly #waiting: { bytes: number; start: () => void }[] = [];

  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#free = bytes;
  }

  /**
   * Resolves when the bytes are free, and takes them until the result is disposed. More bytes than the budget count as the whole
   * budget.
   *
   * @throws the reason of the signal.
   */
  async take(wanted: number, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    const bytes = Math.min(wanted, this.#bytes);
    if (this.#waiting.length > 0 || bytes > this.#free) await this.#wait(bytes, signal);
    else this.#free -= bytes;
    return {
      [Symbol.dispose]: () => {
        this.#free += bytes;
        this.#startNext();
      },
    };
  }

  #wait(bytes: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const entry = { bytes, start: resolve };
    this.#waiting.push(entry);
    const abort = () => {
      const index = this.#waiting.indexOf(entry);
      if (index === -1) return;
      this.#waiting.splice(index, 1);
      reject(signal.reason);
      this.#startNext();
    };
    signal.addEventListener('abort', abort, { once: true });
    return promise.finally(() => signal.removeEventListener('abort', abort));
  }

  #startNext(): void {
    for (let [next] = this.#waiting; next && next.bytes <= this.#free; [next] = this.#waiting) {
      this.#waiting.shift();
      this.#free -= next.bytes;
      next.start();
    }
  }
}
