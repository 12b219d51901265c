import { setTimeout as sleep } from 'node:timers/promises';

const SOONEST_MS = 10;
const LATEST_MS = 50;

/**
 * Far more than any condition takes, on a busy machine too: it is there for conditions that never hold. Below the test
 * runner's own limit, so that the error says what was waited for.
 */
const PATIENCE_MS = 50_000;

/**
 * Asks again and again until the answer is something; fails with `what` where that takes too long. The longer it took
 * so far, the less often: asking takes CPU from what is waited for.
 */
export async function until<T>(
  probe: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  what: string,
  timeoutMs = PATIENCE_MS,
): Promise<T> {
  const begun = performance.now();
  for (;;) {
    const answer = await probe();
    if (answer) return answer;
    const waited = performance.now() - begun;
    if (waited > timeoutMs) throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`);
    await sleep(Math.min(Math.max(waited / 10, SOONEST_MS), LATEST_MS));
  }
}
