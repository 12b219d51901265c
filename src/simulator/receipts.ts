import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from './settings.ts';
import type { Accepted } from './store.ts';
import type { WebhookSender } from './webhooks.ts';

interface Report {
  status: 'sent' | 'delivered' | 'undelivered';
  error: { code: string; detail: string } | null;
}

const UNREACHABLE = { code: '30003', detail: 'The recipient cannot be reached' };
/** Recipients that take no message: a number that ends so, a mailbox of this name. */
const BOUNCES = /0000008$|^bounce@/;

/**
 * Reports what became of a message: `sent`, then how it ended. Resolves when the service has both, or `signal` says
 * that nobody waits for them any more.
 */
export async function report(
  message: Accepted,
  settings: Settings,
  random: () => number,
  sender: WebhookSender,
  signal: AbortSignal,
): Promise<void> {
  const { delay_ms, failure_rate, repeats, disorder } = settings.receipts;
  const bounces = [message.request.to].flat().some((to) => BOUNCES.test(String(to)));
  const fails = bounces || (failure_rate > 0 && random() < failure_rate);
  const end: Report = fails
    ? { status: 'undelivered', error: UNREACHABLE }
    : { status: 'delivered', error: null };
  const reports: Report[] = [{ status: 'sent', error: null }, end];
  for (const next of disorder ? reports.reverse() : reports) {
    await sleep(delay_ms, undefined, { signal, ref: false });
    const id = `evt_${randomUUID()}`;
    for (let time = 0; time <= repeats && !signal.aborted; time++) {
      await sender.deliver(
        `${settings.service_url}/api/webhooks/${message.channel}/status`,
        eventOf(message, next),
        { id },
      );
    }
  }
}

function eventOf(message: Accepted, { status, error }: Report): object {
  const id = message.channel === 'sms' ? { messaging_provider_id: message.id } : { xillio_id: message.id };
  return { ...id, status, timestamp: new Date().toISOString(), error };
}
