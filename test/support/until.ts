import { setTimeout as sleep } from 'node:timers/promises';

const MIN_INTERVAL_MS = 10;
const MAX_INTERVAL_MS = 50;

/**
 * Long enough for every condition on a busy machine, and shorter than the timeout of the test runner, whose error does not
 * name the condition.
 */
const TIMEOUT_MS = 50_000;

/**
 * Calls `probe` until the result is truthy, and returns the result. The interval grows with the elapsed time, because each
 * call takes CPU time from the awaited process.
 *
 * @param condition describes the awaited condition in the error.
 * @throws {Error} the result is not truthy after `timeoutMs` milliseconds.
 */
export async function until<T>(
  probe: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  condition: string,
  timeoutMs = TIMEOUT_MS,
): Promise<T> {
  const started = performance.now();
  for (;;) {
    const result = await probe();
    if (result) return result;
    const waited = performance.now() - started;
    if (waited > timeoutMs) throw new Error(`Condition not met after ${timeoutMs} ms: ${condition}`);
    await sleep(Math.min(Math.max(waited / 10, MIN_INTERVAL_MS), MAX_INTERVAL_MS));
  }
}
