/** The caches of a process that have content of the database, which are emptied when content was erased. */
export class Caches {
  readonly #empty: (() => void)[] = [];

  /** @param empty empties a cache. */
  add(empty: () => void): void {
    this.#empty.push(empty);
  }

  empty(): void {
    for (const empty of this.#empty) empty();
  }
}
