import { setTimeout as sleep } from 'node:timers/promises';
import { countInbox, countPending } from './checker/collect.ts';
import type { ChaosProvider } from './provider.ts';

const POLL_MS = 250;

/**
 * Waits until no message is pending, every acknowledged webhook is processed, every receipt is acknowledged or given up, and no call arrives for `settleMs`.
 *
 * @param settleMs must be longer than any request can take.
 * @returns false if `signal` was aborted before.
 */
export async function untilIdle(
  databaseUrl: string,
  provider: ChaosProvider,
  settleMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  let last = '';
  while (!signal.aborted) {
    const activity = await readActivity(databaseUrl, provider).catch(() => null);
    if (activity?.idle && activity.fingerprint === last) return true;
    last = activity?.idle ? activity.fingerprint : '';
    await sleep(activity?.idle ? settleMs : POLL_MS);
  }
  return false;
}

async function readActivity(
  databaseUrl: string,
  provider: ChaosProvider,
): Promise<{ idle: boolean; fingerprint: string }> {
  const pending = (await countPending(databaseUrl)) + (await countInbox(databaseUrl));
  if (pending > 0) return { idle: false, fingerprint: '' };
  const receipts = (await provider.accepted()).flatMap((message) => message.receipts);
  const idle = receipts.every(({ acknowledged, failed }) => acknowledged + failed > 0);
  const deliveries = receipts.reduce((sum, { acknowledged, failed }) => sum + acknowledged + failed, 0);
  return { idle, fingerprint: `${await provider.calls()} ${receipts.length} ${deliveries}` };
}
