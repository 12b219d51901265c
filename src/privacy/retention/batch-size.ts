const [START, MIN, MAX] = [20, 5, 500];
/** The time of a step, during which its conversations are locked. */
const TARGET_MS = 20;

/** The number of messages of one step, which follows the time of the last steps. */
export class BatchSize {
  #size = START;

  get size(): number {
    return this.#size;
  }

  /** @param elapsedMs the time of the last step. */
  adapt(elapsedMs: number): void {
    if (elapsedMs > 2 * TARGET_MS) this.#size = Math.max(MIN, Math.floor(this.#size / 2));
    else if (elapsedMs < TARGET_MS) this.#size = Math.min(MAX, Math.ceil(this.#size * 1.25));
  }
}
