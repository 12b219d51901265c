import { setTimeout as sleep } from 'node:timers/promises';
import { countPending } from './checker/collect.ts';
import type { ChaosProvider } from './provider.ts';

const LOOK_MS = 250;

/**
 * Waits until nothing is pending, every receipt was taken, and no call came for a while.
 *
 * @param stillMs longer than anything that is still on the wire can take.
 * @returns false where `signal` was aborted before.
 */
export async function untilQuiet(
  databaseUrl: string,
  provider: ChaosProvider,
  stillMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  let last = '';
  while (!signal.aborted) {
    const now = await lookAround(databaseUrl, provider).catch(() => null);
    if (now?.quiet && now.seen === last) return true;
    last = now?.quiet ? now.seen : '';
    await sleep(now?.quiet ? stillMs : LOOK_MS);
  }
  return false;
}

async function lookAround(
  databaseUrl: string,
  provider: ChaosProvider,
): Promise<{ quiet: boolean; seen: string }> {
  const pending = await countPending(databaseUrl);
  if (pending > 0) return { quiet: false, seen: '' };
  const receipts = (await provider.taken()).flatMap((message) => message.receipts);
  const quiet = receipts.every(({ taken }) => taken > 0);
  const takings = receipts.reduce((sum, { taken }) => sum + taken, 0);
  return { quiet, seen: `${await provider.calls()} ${receipts.length} ${takings}` };
}
