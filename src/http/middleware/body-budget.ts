/**
 * Bytes of bodies that may be held at once. When they are used up, the largest body that is still arriving is refused:
 * few large bodies that never end cannot keep small ones out.
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

  /** @returns false where the body itself was refused. */
  take(bytes: number, hold: Hold): boolean {
    while (bytes > this.#free) {
      const largest = this.#largestWith(bytes, hold);
      largest.refuse();
      if (largest === hold) return false;
    }
    this.#free -= bytes;
    return true;
  }

  /** The largest arriving body once `hold` has grown; of equal ones the youngest, so that the oldest still arrive. */
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

/** The share of one body in a budget. */
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
