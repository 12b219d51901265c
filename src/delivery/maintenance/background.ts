import { setTimeout as sleep } from 'node:timers/promises';
import type { Events } from '../../observability/events.ts';

/** Max time of one run of a task, so that a large backlog does not load the database all the time. */
const RUN_MS = 10_000;

export interface BackgroundTask {
  /** The pause between two runs, in milliseconds. */
  everyMs: number;
  /** Does a small part of the work. Resolves with whether work remains. */
  step: () => Promise<boolean>;
}

/**
 * Runs tasks beside the claims, each in short steps until no work remains or `RUN_MS` have passed.
 *
 * @returns a function that ends the tasks and resolves after their last steps.
 */
export function runInBackground(tasks: BackgroundTask[], events: Events): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;

  async function run(step: BackgroundTask['step']): Promise<void> {
    const started = performance.now();
    let remains = true;
    while (remains && !signal.aborted && performance.now() - started < RUN_MS) remains = await step();
  }

  async function repeat({ everyMs, step }: BackgroundTask): Promise<void> {
    while (!signal.aborted) {
      await run(step).catch((error) => events.failed('maintenance', error));
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  const repeating = tasks.map(repeat);
  return async () => {
    stopping.abort();
    await Promise.all(repeating);
  };
}
