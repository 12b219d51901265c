import { UnavailableError } from '../errors.ts';

export interface CoalesceOptions {
  /** Calls written together at the most. */
  maxBatch: number;
  /** Calls that may wait; one more is refused. */
  maxQueue: number;
  /** Batches being written at the same time. */
  parallel: number;
}

export interface Coalesced<T, R> {
  /** @throws {UnavailableError} where too many calls wait already. */
  add(item: T): Promise<R>;
  /** Resolves when nothing waits and nothing is being written. */
  idle(): Promise<void>;
}

interface Waiting<T, R> {
  item: T;
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
  options: CoalesceOptions,
): Coalesced<T, R> {
  let waiting: Waiting<T, R>[] = [];
  let writing = 0;
  let drained: (() => void)[] = [];

  async function flush(): Promise<void> {
    writing++;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, options.maxBatch);
      waiting = waiting.slice(options.maxBatch);
      await settle(batch, write);
    }
    writing--;
    if (writing > 0) return;
    for (const done of drained) done();
    drained = [];
  }

  return {
    add: (item) =>
      new Promise((resolve, reject) => {
        if (waiting.length >= options.maxQueue) return reject(new UnavailableError('The service is full.'));
        waiting.push({ item, resolve, reject });
        // On the next turn, so that what one turn of the event loop brings goes together.
        if (waiting.length === 1)
          setImmediate(() => writing < options.parallel && waiting.length > 0 && flush());
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
