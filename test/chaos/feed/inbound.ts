import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { sign } from '../../../src/simulator/dialects/standard/signature.ts';
import { webhookSecret } from '../provider-account.ts';

export interface InboundOptions {
  urls: string[];
  count: number;
  /** Max time between two messages of one customer, in milliseconds. */
  pauseMs: number;
  random: () => number;
  signal: AbortSignal;
}

const CUSTOMERS = 200;
const CLIENTS = 8;
const TIMEOUT_MS = 10_000;
const RETRY_MS = 200;

/** Delivers inbound messages by webhook, as a provider that repeats each one until it has a response. */
export async function receiveAll(options: InboundOptions): Promise<void> {
  const { count, pauseMs, random, signal } = options;
  const limit = pLimit(CLIENTS);
  const customers = Math.min(CUSTOMERS, count);
  await Promise.all(
    Array.from({ length: customers }, async (_, customer) => {
      for (let n = customer; n < count && !signal.aborted; n += customers) {
        await sleep(random() * pauseMs, undefined, { signal }).catch(() => undefined);
        await limit(() => deliver(options, customer, n));
      }
    }),
  );
}

async function deliver({ urls, signal }: InboundOptions, customer: number, n: number): Promise<void> {
  const body = JSON.stringify({
    ...{ from: `+1807555${1_000 + customer}`, to: '+12016661234', type: 'sms', body: `Question ${n}` },
    ...{ attachments: null, messaging_provider_id: `feed-${n}`, timestamp: '2024-11-01T14:00:00Z' },
  });
  for (let attempt = n; !signal.aborted; attempt++) {
    const headers = sign(webhookSecret, `evt_inbound_${n}`, Math.floor(Date.now() / 1_000), body);
    const isRecorded = await fetch(`${urls[attempt % urls.length]}/api/webhooks/sms`, {
      ...{ method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body },
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isRecorded) return;
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}
