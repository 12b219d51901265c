import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** What happens to one request on its way; `pass` is what happens to all without a fault. */
export type Fault =
  | { type: 'pass' }
  /** Answered by the proxy: the service never sees it. */
  | { type: 'status'; status: number; headers?: Record<string, string>; body?: string }
  /** Never answered, and the service never sees it. */
  | { type: 'stall' }
  /** The service answers, and the connection is closed before any of it is passed on. */
  | { type: 'lost_response' }
  /** The service answers, and the connection is closed in the middle of it. */
  | { type: 'cut_response' };

export interface Seen {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
  /** What the service answered, where it was asked. */
  answer?: { status: number; headers: Headers; body: string };
}

export interface FaultyProxy {
  url: string;
  /** Every request, in the order they came. */
  seen: Seen[];
  /** One for each of the next requests. */
  faults: Fault[];
  stop(): Promise<void>;
}

/** A real HTTP server in front of the service, that stands for all that can go wrong between the two. */
export async function startProxy(target: string): Promise<FaultyProxy> {
  const seen: Seen[] = [];
  const faults: Fault[] = [];
  const server = createServer(async (request, response) => {
    const fault = faults.shift() ?? { type: 'pass' };
    const { method = '', url: path = '', headers } = request;
    const entry: Seen = { method, path, headers, body: String(await buffer(request)) };
    seen.push(entry);
    if (fault.type === 'stall') return;
    if (fault.type === 'status') {
      response.writeHead(fault.status, fault.headers).end(fault.body);
      return;
    }
    entry.answer = await forward(target, entry);
    passOn(entry.answer, fault, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    faults,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function forward(target: string, { method, path, headers, body }: Seen) {
  const { host: _host, connection: _connection, 'content-length': _length, ...passed } = headers;
  const answer = await fetch(target + path, {
    method,
    headers: passed as Record<string, string>,
    ...(body && { body }),
  });
  return { status: answer.status, headers: answer.headers, body: await answer.text() };
}

function passOn({ status, headers, body }: Required<Seen>['answer'], fault: Fault, response: ServerResponse) {
  if (fault.type === 'lost_response') {
    response.destroy();
    return;
  }
  const type = headers.get('content-type') ?? 'application/json';
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  if (fault.type === 'cut_response') response.write(body.slice(0, 20), () => response.destroy());
  else response.end(body);
}
