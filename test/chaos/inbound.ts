import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { sign } from '../../src/simulator/dialects/standard/signature.ts';
import { mail, mimeTarget } from '../support/mime.ts';
import type { Inbound } from './checker/evidence.ts';
import { webhookSecret } from './provider-account.ts';

export interface MailServerOptions {
  /** The URLs of the service. */
  urls: string[];
  /** Max time between two emails of a customer, in milliseconds. */
  pauseMs: number;
  random: () => number;
  signal: AbortSignal;
}

const CUSTOMERS = 50;
const CLIENTS = 4;
const TIMEOUT_MS = 10_000;
const RETRY_MS = 200;
/** The share of emails that are passed on once more after the acknowledgement, from 0 to 1. */
const REPEATED = 0.2;

/** Emails of customers to the shop, each with a unique token. */
export function makeInbound(count: number): Inbound[] {
  return Array.from({ length: count }, (_, n) => ({
    token: `inbound-${n}`,
    from: `customer-${n % CUSTOMERS}@example.com`,
    to: 'shop@example.com',
    acknowledged: 0,
  }));
}

/** Passes emails on, as a mail server that keeps each one until the service has acknowledged it. */
export async function passOnAll(emails: Inbound[], options: MailServerOptions): Promise<void> {
  const { pauseMs, random, signal } = options;
  const limit = pLimit(CLIENTS);
  await Promise.all(
    [...Map.groupBy(emails, ({ from }) => from).values()].map(async (own) => {
      for (const email of own) {
        await sleep(random() * pauseMs, undefined, { signal }).catch(() => undefined);
        await limit(() => passOn(email, options));
        if (random() < REPEATED) await limit(() => passOn(email, options));
      }
    }),
  );
}

async function passOn(email: Inbound, { urls, signal }: MailServerOptions): Promise<void> {
  const { token, from, to } = email;
  const headers = { From: from, To: to, Subject: token, 'Message-ID': `<${token}@example.com>` };
  const body = mail(headers, `A question [chaos:${token}]`);
  const target = mimeTarget({ recipients: [to], sender: from });
  for (let attempt = 0; !signal.aborted; attempt++) {
    const signed = sign(webhookSecret, token, Math.floor(Date.now() / 1_000), body);
    const isAcknowledged = await fetch(`${urls[attempt % urls.length]}${target}`, {
      ...{ method: 'POST', headers: { ...signed, 'content-type': 'message/rfc822' }, body },
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isAcknowledged) return void email.acknowledged++;
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}
