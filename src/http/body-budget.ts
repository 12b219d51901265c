/** Bytes of bodies that may be held at once. A body that does not fit takes the place of bodies that began after it. */
export class BodyBudget {
  #free: number;
  /** The bodies that are being read, in the order in which they began. */
  readonly #arriving: Hold[] = [];

  constructor(bytes: number) {
    this.#free = bytes;
  }

  /** @param refuse stops reading the body; called at most once, and only before `complete`. */
  begin(refuse: () => void): Hold {
    const hold = new Hold(this, refuse);
    this.#arriving.push(hold);
    return hold;
  }

  /**
   * Makes room by refusing the youngest bodies, so that of many large bodies at once the oldest ones still arrive.
   *
   * @returns false where the body itself was refused.
   */
  take(bytes: number, hold: Hold): boolean {
    while (bytes > this.#free) {
      const youngest = this.#arriving.at(-1) ?? hold;
      youngest.refuse();
      if (youngest === hold) return false;
    }
    this.#free -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#free += bytes;
  }

  settle(hold: Hold): void {
    const index = this.#arriving.indexOf(hold);
    if (index >= 0) this.#arriving.splice(index, 1);
  }
}

/** The share of one body in a budget. */
export class Hold {
  readonly #budget: BodyBudget;
  readonly #onRefuse: () => void;
  #bytes = 0;

  constructor(budget: BodyBudget, onRefuse: () => void) {
    this.#budget = budget;
    this.#onRefuse = onRefuse;
  }

  /** @returns false where there is no room, and the body was refused. */
  add(bytes: number): boolean {
    if (!this.#budget.take(bytes, this)) return false;
    this.#bytes += bytes;
    return true;
  }

  /** The body has arrived: it is not refused any more, and holds its bytes until `release`. */
  complete(): void {
    this.#budget.settle(this);
  }

  release(): void {
    this.#budget.settle(this);
    this.#budget.give(this.#bytes);
    this.#bytes = 0;
  }

  refuse(): void {
    this.release();
    this.#onRefuse();
  }
}
