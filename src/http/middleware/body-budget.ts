/**
 * Limits the bytes of request bodies in memory. At the limit, the largest incomplete body is refused, so that a few large
 * bodies that never end cannot block small bodies.
 */
export class BodyBudget {
  #free: number;
  readonly #whole: BodyBudget | undefined;
  /** The incomplete bodies, in the order of their starts. */
  readonly #incomplete = new Set<Hold>();

  /** @param whole the budget of which this one is a part: its bytes count there too. */
  constructor(bytes: number, whole?: BodyBudget) {
    this.#free = bytes;
    this.#whole = whole;
  }

  /** @param refuse stops reading the body; called at most once, and only before `complete`. */
  begin(refuse: () => void): Hold {
    const hold: Hold = new Hold(
      this,
      refuse,
      this.#whole?.begin(() => hold.refuse()),
    );
    this.#incomplete.add(hold);
    return hold;
  }

  /** @returns false if this body was refused. */
  reserve(bytes: number, hold: Hold): boolean {
    while (bytes > this.#free) {
      const largest = this.#largestWith(bytes, hold);
      largest.refuse();
      if (largest === hold) return false;
    }
    this.#free -= bytes;
    return true;
  }

  /** The largest incomplete body if `hold` had grown by `bytes`; among equal bodies the newest, so that the oldest can complete. */
  #largestWith(bytes: number, hold: Hold): Hold {
    let [largest, most] = [hold, hold.bytes + bytes];
    for (const other of this.#incomplete)
      if (other !== hold && other.bytes >= most) [largest, most] = [other, other.bytes];
    return largest;
  }

  release(bytes: number): void {
    this.#free += bytes;
  }

  complete(hold: Hold): void {
    this.#incomplete.delete(hold);
  }
}

/** The bytes that one body holds in a budget, and in the budget of which that budget is a part. */
export class Hold {
  readonly #budget: BodyBudget;
  readonly #onRefuse: () => void;
  readonly #inWhole: Hold | undefined;
  #bytes = 0;

  constructor(budget: BodyBudget, onRefuse: () => void, inWhole: Hold | undefined) {
    this.#budget = budget;
    this.#onRefuse = onRefuse;
    this.#inWhole = inWhole;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @returns false if this body was refused because the budget is exceeded. */
  add(bytes: number): boolean {
    if (!this.#budget.reserve(bytes, this)) return false;
    this.#bytes += bytes;
    return this.#inWhole?.add(bytes) ?? true;
  }

  /** Marks the body as complete: it cannot be refused anymore, and holds its bytes until `release`. */
  complete(): void {
    this.#budget.complete(this);
    this.#inWhole?.complete();
  }

  release(): void {
    this.#budget.complete(this);
    this.#budget.release(this.#bytes);
    this.#bytes = 0;
    this.#inWhole?.release();
  }

  refuse(): void {
    this.release();
    this.#onRefuse();
  }
}
