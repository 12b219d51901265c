/**
 * Limits the bytes of request bodies in memory. When the limit is reached, the largest body that is still arriving is
 * refused, so that a few large bodies that never end cannot block small bodies.
 */
export class BodyBudget {
  #free: number;
  /** The bodies that are being read, in the order in which they began. */
  readonly #arriving = new Set<Hold>();

  constructor(bytes: number) {
    this.#free = bytes;
  }

  /** @param refuse stops reading the body; called at most once, and only before `complete`. */
  begin(refuse: () => void): Hold {
    const hold = new Hold(this, refuse);
    this.#arriving.add(hold);
    return hold;
  }

  /** @returns false if this body was refused. */
  take(bytes: number, hold: Hold): boolean {
    while (bytes > this.#free) {
      const largest = this.#largestWith(bytes, hold);
      largest.refuse();
      if (largest === hold) return false;
    }
    this.#free -= bytes;
    return true;
  }

  /** The largest arriving body after `hold` has grown; of equal bodies the newest, so that the oldest can complete. */
  #largestWith(bytes: number, hold: Hold): Hold {
    let [largest, most] = [hold, hold.bytes + bytes];
    for (const other of this.#arriving)
      if (other !== hold && other.bytes >= most) [largest, most] = [other, other.bytes];
    return largest;
  }

  give(bytes: number): void {
    this.#free += bytes;
  }

  settle(hold: Hold): void {
    this.#arriving.delete(hold);
  }
}

/** The bytes that one body holds in a budget. */
export class Hold {
  readonly #budget: BodyBudget;
  readonly #onRefuse: () => void;
  #bytes = 0;

  constructor(budget: BodyBudget, onRefuse: () => void) {
    this.#budget = budget;
    this.#onRefuse = onRefuse;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @returns false if the budget is used up and this body was refused. */
  add(bytes: number): boolean {
    if (!this.#budget.take(bytes, this)) return false;
    this.#bytes += bytes;
    return true;
  }

  /** The body has arrived: it is no longer refused, and holds its bytes until `release`. */
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
