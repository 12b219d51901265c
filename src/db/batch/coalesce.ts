import { UnavailableError } from '../../errors.ts';

export interface CoalesceOptions<T> {
  /** Maximum calls per batch. */
  maxBatch: number;
  /** Maximum calls in the queue. */
  maxQueue: number;
  /** Maximum batches that are written at the same time. */
  parallel: number;
  /** The size of an item in bytes, for the two limits below, which bound the memory of the queue; default: 0. */
  sizeOf?: (item: T) => number;
  /** Maximum size of a batch; a larger item is written alone. */
  maxBatchBytes?: number;
  /** Maximum size of the queue; an item of any size is accepted if the queue is empty. */
  maxQueueBytes?: number;
}

export interface Coalesced<T, R> {
  /** @throws {UnavailableError} if the queue is full. */
  add(item: T): Promise<R>;
  /** Resolves when the queue is empty and no batch is being written. */
  idle(): Promise<void>;
}

interface Waiting<T, R> {
  item: T;
  bytes: number;
  resolve: (result: R) => void;
  reject: (error: unknown) => void;
}

/**
 * Combines concurrent calls into batches without a timer. Calls that arrive while a batch is being written are in the next
 * batch: a single call is written immediately, and many calls share one commit.
 *
 * @param write returns one result for each item, in the same order; an `Error` rejects the call of that item only.
 */
export function coalesce<T, R>(
  write: (items: T[]) => Promise<(R | Error)[]>,
  options: CoalesceOptions<T>,
): Coalesced<T, R> {
  const { maxBatch, maxQueue, parallel, sizeOf = () => 0 } = options;
  const { maxBatchBytes = Number.POSITIVE_INFINITY, maxQueueBytes = Number.POSITIVE_INFINITY } = options;
  let waiting: Waiting<T, R>[] = [];
  let waitingBytes = 0;
  let runningBatches = 0;
  let runningItems = 0;
  let scheduled = false;
  let drained: (() => void)[] = [];

  function takeBatch(): Waiting<T, R>[] {
    let [length, bytes] = [0, 0];
    for (const next of waiting) {
      if (length === maxBatch || (length > 0 && bytes + next.bytes > maxBatchBytes)) break;
      length++;
      bytes += next.bytes;
    }
    waitingBytes -= bytes;
    const batch = waiting.slice(0, length);
    waiting = waiting.slice(length);
    return batch;
  }

  /**
   * Starts the next batches. While other batches are being written, a batch starts only if at least as many items wait as
   * are being written, because a small batch takes almost as long as a large batch.
   */
  function start(): void {
    scheduled = false;
    while (waiting.length > 0 && runningBatches < parallel && waiting.length >= runningItems) void flush();
    if (runningBatches > 0) return;
    for (const done of drained) done();
    drained = [];
  }

  async function flush(): Promise<void> {
    const batch = takeBatch();
    runningBatches++;
    runningItems += batch.length;
    await settle(batch, write);
    runningBatches--;
    runningItems -= batch.length;
    start();
  }

  return {
    add: (item) =>
      new Promise((resolve, reject) => {
        const bytes = sizeOf(item);
        const tooLarge = waiting.length > 0 && waitingBytes + bytes > maxQueueBytes;
        if (waiting.length >= maxQueue || tooLarge)
          return reject(new UnavailableError('The service is overloaded.'));
        waiting.push({ item, bytes, resolve, reject });
        waitingBytes += bytes;
        // Deferred, so that all calls of one iteration of the event loop are in one batch.
        if (!scheduled) setImmediate(start);
        scheduled = true;
      }),
    idle: () =>
      runningBatches === 0 && waiting.length === 0
        ? Promise.resolve()
        : new Promise((done) => drained.push(done)),
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
