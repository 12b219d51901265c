import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ACCOUNT_SID } from '../../../src/simulator/dialects/twilio/dialect.ts';
import type { SettingsChange } from '../../../src/simulator/settings.ts';
import type { WebhookCall } from '../../../src/simulator/webhook-client.ts';
import { until } from '../../support/until.ts';
import { type Answer, startPlay } from '../support.ts';

export const AUTH_TOKEN = '0123456789abcdef0123456789abcdef';
export const API_KEY = { sid: `SK${'a'.repeat(32)}`, secret: 'the-secret-of-the-key' };
export const FROM = '+12016661234';
export const TO = '+18045551234';
export const MESSAGES = `/2010-04-01/Accounts/${ACCOUNT_SID}/Messages`;
export const TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>';

/** Parameters of a form. A list repeats the parameter. */
export type Form = Record<string, string | string[]>;

/** A simulator with a Twilio account. Status callbacks have a delay of 5 ms by default. */
export async function startTwilio(settings: SettingsChange = {}) {
  const play = await startPlay({
    apiKey: AUTH_TOKEN,
    twilio: { apiKey: API_KEY },
    settings: { ...settings, receipts: { enabled: true, delay_ms: 5, ...settings.receipts } },
  });
  const call = (method: string, path: string, form?: Form, headers: Record<string, string> = {}) =>
    exchange(`${play.url}/twilio${path}`, method, form, { ...basic(ACCOUNT_SID, AUTH_TOKEN), ...headers });
  return {
    ...play,
    /** Sends a request to the Twilio API. */
    twilio: call,
    create: (form: Form = {}) =>
      call('POST', `${MESSAGES}.json`, { To: TO, From: FROM, Body: 'Hello', ...form }),
    fetchMessage: (sid: string) => call('GET', `${MESSAGES}/${sid}.json`),
    inbound: (fields: object = {}) =>
      play.call('POST', '/_control/inbound', { channel: 'sms', dialect: 'twilio', ...fields }),
    webhooks: async () => (await play.call('GET', '/_control/webhooks')).body.data as WebhookCall[],
  };
}

export type Twilio = Awaited<ReturnType<typeof startTwilio>>;

export function basic(user: string, password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

export function formOf(form: Form): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, values] of Object.entries(form))
    for (const value of [values].flat()) parameters.append(name, value);
  return parameters;
}

async function exchange(
  url: string,
  method: string,
  form: Form | undefined,
  headers: Record<string, string>,
): Promise<Answer> {
  const response = await fetch(url, {
    ...{ method, headers, redirect: 'manual' },
    ...(form && { body: formOf(form) }),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson ? parsed(text) : text };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export interface Webhook {
  /** The request target. */
  path: string;
  headers: IncomingHttpHeaders;
  form: URLSearchParams;
}

/** The reply to a webhook. Null closes the connection without a response, and undefined leaves it open. */
export type Reply = { status?: number; type?: string; body?: string } | null | undefined;

/** A server in the role of the service: stores the webhooks and responds with TwiML or with the result of `reply`. */
export async function startReceiver(reply: (webhook: Webhook) => Reply = () => ({})) {
  const received: Webhook[] = [];
  const server = createServer(async (request, response) => {
    const form = new URLSearchParams((await request.toArray()).join(''));
    const webhook = { path: request.url ?? '', headers: request.headers, form };
    received.push(webhook);
    const answer = reply(webhook);
    if (answer === null) return void request.socket.destroy();
    if (answer === undefined) return;
    response.writeHead(answer.status ?? 200, { 'content-type': answer.type ?? 'text/xml' });
    response.end(answer.body ?? TWIML);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const untilReceived = (count: number) =>
    until(() => received.length >= count && received, `${count} webhooks are received`);
  return {
    url,
    received,
    untilReceived,
    statuses: () => received.map(({ form }) => form.get('MessageStatus')),
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;
