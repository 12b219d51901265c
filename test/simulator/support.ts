import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type SimulatorOptions, startSimulator } from '../../src/simulator/server.ts';
import type { Accepted, Call } from '../../src/simulator/store.ts';

export const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
export const sms = { from: '+12016661234', to: '+18045551234', type: 'sms', body: 'Hello' };
export const email = { from: 'user@usehatchapp.com', to: 'contact@gmail.com', body: 'Hello' };

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the test defines the expected body
  body: any;
}

/** A simulator on a free port with helpers for requests. Receipts are disabled by default. */
export async function startPlay(options: SimulatorOptions = {}) {
  const settings = { receipts: { enabled: false }, ...options.settings };
  const simulator = await startSimulator({ ...options, settings });
  const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
    request(simulator.url + path, method, body, headers);
  return {
    ...simulator,
    call,
    send: (body: object = sms, key?: string) =>
      call('POST', 'type' in body ? '/sms/messages' : '/email/messages', body, key ? keyed(key) : {}),
    faults: (...list: object[]) => call('PUT', '/_control/faults', list),
    set: (change: object) => call('PUT', '/_control/settings', change),
    accepted: async () => (await call('GET', '/_control/messages')).body.data as Accepted[],
    calls: async () => (await call('GET', '/_control/calls')).body.data as Call[],
  };
}

export type Play = Awaited<ReturnType<typeof startPlay>>;

export function keyed(key: string): Record<string, string> {
  return { 'idempotency-key': key };
}

/** Sends a string unchanged, any other body as JSON. */
export async function request(
  url: string,
  method = 'GET',
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: parsed(await response.text()) };
}

/** The code of the error that ended a request; undefined if there was a response. */
export function errorCodeOf(attempt: Promise<unknown>): Promise<string | undefined> {
  return attempt.then(
    () => undefined,
    (error) => error.cause?.code ?? error.name,
  );
}

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the test defines the expected body
  body: any;
}

/** A server in the role of the service: stores the requests and responds with the result of `answer`. */
export async function startReceiver(answer: (received: Received) => number = () => 200, port = 0) {
  const received: Received[] = [];
  const server = createServer(async (incoming, response) => {
    const text = (await incoming.toArray()).join('');
    const one = { path: incoming.url ?? '', headers: incoming.headers, text, body: parsed(text) };
    received.push(one);
    response.writeHead(answer(one), { 'content-type': 'application/json' }).end('{"id":7}');
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    received,
    statuses: () => received.map(({ body }) => body.status as string),
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
