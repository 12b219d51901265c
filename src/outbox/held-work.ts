/** The work that this process has claimed and not settled. */
export class HeldWork {
  readonly #work = new Set<Promise<void>>();

  get size(): number {
    return this.#work.size;
  }

  /** Counts the work until it is settled, then calls `onSettled`. */
  add(work: Promise<void>, onSettled: () => void): void {
    const held = work.finally(() => {
      this.#work.delete(held);
      onSettled();
    });
    this.#work.add(held);
  }

  /** Resolves when all work is settled. */
  async idle(): Promise<void> {
    await Promise.all(this.#work);
  }
}
