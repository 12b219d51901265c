import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
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
  | { type: 'cut_response' }
  /** The request is forwarded. A stream has no data after its first chunk. */
  | { type: 'silence' };

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
  /** The URL of the service. */
  target: string;
  /** All requests in the order of their arrival. */
  requests: RecordedRequest[];
  /** The faults of the next requests, one per request. */
  faults: Fault[];
  /** The faults of the next streams of events without a fault of their request. */
  streamFaults: Fault[];
  /** The open responses that are streams of events. */
  streams: Set<ServerResponse>;
  /** Closes the connections of all streams. */
  disconnect(): void;
  stop(): Promise<void>;
}

/**
 * Starts an HTTP proxy between a client and the service that simulates network faults. The header `x-open-streams` of a
 * response is the number of open streams of events.
 */
export async function startProxy(target: string): Promise<FaultyProxy> {
  const requests: RecordedRequest[] = [];
  const faults: Fault[] = [];
  const streamFaults: Fault[] = [];
  const streams = new Set<ServerResponse>();
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
    // Without the service, there is no response.
    const answer = await forward(proxy.target, entry).catch(() => null);
    if (answer === null) response.destroy();
    else if (isStream(answer)) {
      streams.add(response);
      await passStream(answer, fault.type === 'pass' ? (streamFaults.shift() ?? fault) : fault, response);
      streams.delete(response);
    } else {
      const { status, headers } = answer;
      entry.response = { status, headers, body: await answer.text() };
      response.setHeader('x-open-streams', streams.size);
      respond(entry.response, fault, response);
    }
  });
  const port = await listen(server);
  const proxy: FaultyProxy = {
    url: `http://127.0.0.1:${port}`,
    target,
    requests,
    faults,
    streamFaults,
    streams,
    disconnect: () => {
      for (const stream of streams) stream.destroy();
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return proxy;
}

function forward(target: string, { method, path, headers, body }: RecordedRequest): Promise<Response> {
  const { host: _host, connection: _connection, 'content-length': _length, ...passed } = headers;
  return fetch(target + path, {
    method,
    headers: passed as Record<string, string>,
    ...(body && { body }),
  });
}

function isStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') ?? false;
}

/** Resolves when one of the two connections is closed. */
async function passStream({ status, body }: Response, fault: Fault, response: ServerResponse): Promise<void> {
  const chunks = Readable.fromWeb(body as NodeReadableStream<Uint8Array>);
  response.once('close', () => chunks.destroy());
  // The client may have closed the connection before the response of the service.
  if (response.closed) chunks.destroy();
  if (fault.type === 'lost_response') response.destroy();
  else response.writeHead(status, { 'content-type': 'text/event-stream' });
  let isFirst = true;
  try {
    for await (const chunk of chunks) {
      if (isFirst || fault.type === 'pass') response.write(chunk);
      if (fault.type === 'cut_response') response.destroy();
      isFirst = false;
    }
  } catch {
    // The service ended the stream, or the client did.
  }
  response.destroy();
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
