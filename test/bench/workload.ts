import { sign } from '../../src/simulator/dialects/standard/signature.ts';
import { webhookSecret } from '../support/harness.ts';
import { inboundForm, PUBLIC_URL, sidOf, signatureOf, WEBHOOK_PATH } from '../support/twilio.ts';
import type { Request } from './load.ts';
import { apiKey } from './service.ts';

export const SHOP = '+12016661234';
/** The number of conversations, each between the shop and one customer. */
export const CONVERSATIONS = 20_000;

export function customer(n: number): string {
  return `+1804${5_550_000 + (n % CONVERSATIONS)}`;
}

/** Makes the body of request `n`. All bodies are different. */
export type Make = (n: number) => Record<string, unknown>;

export const outbound: Make = (n) => ({
  from: SHOP,
  to: customer(n),
  type: 'sms',
  body: `Your order ${n} is on its way.`,
  timestamp: '2024-11-01T14:00:00Z',
});

export const inbound: Make = (n) => ({
  from: customer(n),
  to: SHOP,
  type: 'sms',
  body: `Where is my order ${n}?`,
  attachments: null,
  messaging_provider_id: `bench-${n}`,
  timestamp: '2024-11-01T14:00:00Z',
});

export const inboundOfOneConversation: Make = (n) => ({ ...inbound(n), from: customer(0) });

let lastNumber = 0;

/** Complete requests, signed and serialised before the clock starts, so that only the service is measured. */
export function posts(path: string, make: Make, count: number): Request[] {
  const now = Math.floor(Date.now() / 1_000);
  return Array.from({ length: count }, () => {
    const body = JSON.stringify(make(++lastNumber));
    const credentials = path.includes('/webhooks/')
      ? sign(webhookSecret, 'evt_bench', now, body)
      : { authorization: `Bearer ${apiKey}` };
    return { method: 'POST', path, body, headers: { 'content-type': 'application/json', ...credentials } };
  });
}

/** Complete webhooks of Twilio with all parameters of an SMS in the USA, each with a body as long as in `inbound`. */
export function twilioPosts(count: number): Request[] {
  return Array.from({ length: count }, () => {
    const form = twilioForm(++lastNumber);
    return {
      method: 'POST',
      path: WEBHOOK_PATH,
      body: new URLSearchParams(form).toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
        'x-twilio-signature': signatureOf(`${PUBLIC_URL}${WEBHOOK_PATH}`, form),
      },
    };
  });
}

function twilioForm(n: number): Record<string, string> {
  const sid = sidOf(n);
  return {
    ...{ ToCountry: 'US', ToState: 'NJ', ToCity: 'NEWARK', ToZip: '07102' },
    ...{ FromCountry: 'US', FromState: 'VA', FromCity: 'RICHMOND', FromZip: '23220' },
    ...inboundForm({ MessageSid: sid, SmsSid: sid, SmsMessageSid: sid, SmsStatus: 'received' }),
    ...{ From: customer(n), To: SHOP, Body: `Where is my order ${n}?` },
  };
}

export function gets(paths: string[]): Request[] {
  return paths.map((path) => ({ method: 'GET', path, headers: { authorization: `Bearer ${apiKey}` } }));
}

/** Bodies without HTTP requests, for the baselines. */
export function messages(make: Make, count: number): Record<string, unknown>[] {
  return Array.from({ length: count }, () => make(++lastNumber));
}
