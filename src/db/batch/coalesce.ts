import { UnavailableError } from '../../errors.ts';

export interface CoalesceOptions<T> {
  /** Maximum calls per batch. */
  maxBatch: number;
  /** Calls that may wait; one more is refused. */
  maxQueue: number;
  /** Batches being written at the same time. */
  parallel: number;
  /** What an item takes of the two limits below, which keep memory bounded where items differ in size. */
  sizeOf?: (item: T) => number;
  /** Maximum size of a batch; a larger item is written alone. */
  maxBatchBytes?: number;
  /** Weight that may wait; an item that finds some waiting and does not fit is refused. */
  maxQueueBytes?: number;
}

export interface Coalesced<T, R> {
  /** @throws {UnavailableError} where too many calls wait already. */
  add(item: T): Promise<R>;
  /** Resolves when nothing waits and nothing is being written. */
  idle(): Promise<void>;
}

interface Waiting<T, R> {
  item: T;
  weight: number;
  resolve: (result: R) => void;
  reject: (error: unknown) => void;
}

/**
 * Turns concurrent calls into batches without a timer: what arrives while earlier batches are being written goes
 * with the next one, so an idle caller never waits and a busy one shares a commit with many.
 *
 * `write` answers one result an item, in their order; an `Error` among them is that item's alone.
 */
export function coalesce<T, R>(
  write: (items: T[]) => Promise<(R | Error)[]>,
  options: CoalesceOptions<T>,
): Coalesced<T, R> {
  const { maxBatch, maxQueue, parallel, sizeOf = () => 0 } = options;
  const { maxBatchBytes = Number.POSITIVE_INFINITY, maxQueueBytes = Number.POSITIVE_INFINITY } = options;
  let waiting: Waiting<T, R>[] = [];
  let waitingWeight = 0;
  /** Batches, and the items in them. */
  let writing = 0;
  let beingWritten = 0;
  let scheduled = false;
  let drained: (() => void)[] = [];

  function takeBatch(): Waiting<T, R>[] {
    let [size, weight] = [0, 0];
    for (const next of waiting) {
      if (size === maxBatch || (size > 0 && weight + next.weight > maxBatchBytes)) break;
      size++;
      weight += next.weight;
    }
    waitingWeight -= weight;
    const batch = waiting.slice(0, size);
    waiting = waiting.slice(size);
    return batch;
  }

  /** Beside others a batch is begun only where it is as large as they are: a small one takes almost as long. */
  function start(): void {
    scheduled = false;
    while (waiting.length > 0 && writing < parallel && waiting.length >= beingWritten) void flush();
    if (writing > 0) return;
    for (const done of drained) done();
    drained = [];
  }

  async function flush(): Promise<void> {
    const batch = takeBatch();
    writing++;
    beingWritten += batch.length;
    await settle(batch, write);
    writing--;
    beingWritten -= batch.length;
    start();
  }

  return {
    add: (item) =>
      new Promise((resolve, reject) => {
        const weight = sizeOf(item);
        const tooHeavy = waiting.length > 0 && waitingWeight + weight > maxQueueBytes;
        if (waiting.length >= maxQueue || tooHeavy)
          return reject(new UnavailableError('The service is overloaded.'));
        waiting.push({ item, weight, resolve, reject });
        waitingWeight += weight;
        // On the next turn, so that what one turn of the event loop brings goes together.
        if (!scheduled) setImmediate(start);
        scheduled = true;
      }),
    idle: () =>
      writing === 0 && waiting.length === 0 ? Promise.resolve() : new Promise((done) => drained.push(done)),
  };
}

async function settle<T, R>(
  batch: Waiting<T, R>[],
  write: (items: T[]) => Promise<(R | Error)[]>,
): Promise<void> {
  try {
    const results = await write(batch.map(({ item }) => item));
    batch.forEach(({ resolve, reject }, index) => {
      const result = results[index] as R | Error;
      if (result instanceof Error) reject(result);
      else resolve(result);
    });
  } catch (error) {
    for (const { reject } of batch) reject(error);
  }
}
