import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listen } from './listen.ts';

/** The fault of one request; `pass` forwards the request and the response unchanged. */
export type Fault =
  | { type: 'pass' }
  /** The proxy responds. The request is not forwarded. */
  | { type: 'status'; status: number; headers?: Record<string, string>; body?: string }
  /** There is no response. The request is not forwarded. */
  | { type: 'stall' }
  /** The request is forwarded. The connection is closed before the response. */
  | { type: 'lost_response' }
  /** The request is forwarded. The connection is closed in the middle of the response. */
  | { type: 'cut_response' };

export interface RecordedRequest {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
  /** The response of the service, if the request was forwarded. */
  response?: { status: number; headers: Headers; body: string };
}

export interface FaultyProxy {
  url: string;
  /** All requests in the order of their arrival. */
  requests: RecordedRequest[];
  /** The faults of the next requests, one per request. */
  faults: Fault[];
  stop(): Promise<void>;
}

/** Starts an HTTP proxy between a client and the service that simulates network faults. */
export async function startProxy(target: string): Promise<FaultyProxy> {
  const requests: RecordedRequest[] = [];
  const faults: Fault[] = [];
  const server = createServer(async (request, response) => {
    const fault = faults.shift() ?? { type: 'pass' };
    const { method = '', url: path = '', headers } = request;
    const entry: RecordedRequest = { method, path, headers, body: String(await buffer(request)) };
    requests.push(entry);
    if (fault.type === 'stall') return;
    if (fault.type === 'status') {
      response.writeHead(fault.status, fault.headers).end(fault.body);
      return;
    }
    entry.response = await forward(target, entry);
    respond(entry.response, fault, response);
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    faults,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function forward(target: string, { method, path, headers, body }: RecordedRequest) {
  const { host: _host, connection: _connection, 'content-length': _length, ...passed } = headers;
  const response = await fetch(target + path, {
    method,
    headers: passed as Record<string, string>,
    ...(body && { body }),
  });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

function respond(
  { status, headers, body }: Required<RecordedRequest>['response'],
  fault: Fault,
  response: ServerResponse,
) {
  if (fault.type === 'lost_response') {
    response.destroy();
    return;
  }
  const type = headers.get('content-type') ?? 'application/json';
  const requestId = headers.get('x-request-id');
  if (requestId !== null) response.setHeader('x-request-id', requestId);
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  if (fault.type === 'cut_response') response.write(body.slice(0, 20), () => response.destroy());
  else response.end(body);
}
