import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SettingsChange } from '../../../src/simulator/settings.ts';
import type { WebhookCall } from '../../../src/simulator/webhook-client.ts';
import { API_KEY, SEED } from '../../support/telnyx.ts';
import { until } from '../../support/until.ts';
import { startPlay } from '../support.ts';

export const FROM = '+12016661234';
export const TO = '+18045551234';

/** A simulator with a Telnyx account. Reports have a delay of 5 ms by default. */
export async function startTelnyx(settings: SettingsChange = {}) {
  const play = await startPlay({
    ...{ apiKey: API_KEY, telnyx: { seed: SEED } },
    settings: { ...settings, receipts: { enabled: true, delay_ms: 5, ...settings.receipts } },
  });
  const call = async (method: string, path: string, body?: object, key = API_KEY) => {
    const response = await fetch(`${play.url}/telnyx/v2${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: the assertions of the test check the body
    return { status: response.status, headers: response.headers, body: (await response.json()) as any };
  };
  return {
    ...play,
    /** Sends a request to the Telnyx API. */
    telnyx: call,
    create: (body: object = {}) => call('POST', '/messages', { to: TO, from: FROM, text: 'Hello', ...body }),
    createGroup: (to: string[], body: object = {}) =>
      call('POST', '/messages/group_mms', { to, from: FROM, text: 'Hello', ...body }),
    inbound: (fields: object = {}) =>
      play.call('POST', '/_control/inbound', { channel: 'sms', dialect: 'telnyx', ...fields }),
    webhooks: async () => (await play.call('GET', '/_control/webhooks')).body.data as WebhookCall[],
  };
}

export type Telnyx = Awaited<ReturnType<typeof startTelnyx>>;

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the assertions of the test check the event
  event: any;
}

/** The status of the response to a webhook; null closes the connection without a response, and undefined leaves it open. */
export type Reply = number | null | undefined;

/** A server in the role of the service: stores the webhooks and responds with the status of `reply`. */
export async function startReceiver(reply: (webhook: Received, count: number) => Reply = () => 200) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const text = Buffer.concat(await request.toArray()).toString();
    const webhook = { path: request.url ?? '', headers: request.headers, text, event: JSON.parse(text) };
    received.push(webhook);
    const status = reply(webhook, received.length);
    if (status === null) return void request.socket.destroy();
    if (status !== undefined) response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    untilReceived: (count: number) =>
      until(() => received.length >= count && received, `${count} webhooks are received`),
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;
