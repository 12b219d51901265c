import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { until } from './until.ts';

export interface RawConnection {
  write(text: string): void;
  /** All that came so far, as soon as it fits. */
  receive(pattern: RegExp): Promise<string>;
  /** Resolves when the other side has closed the connection. */
  closed(): Promise<unknown>;
  /** All bytes that came so far. */
  bytes(): Buffer;
  /** Sends nothing more. */
  end(): void;
  close(): void;
}

/** A connection on which the client does as it likes. */
export async function connectRaw(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  // A connection that is cut off under a client that still writes.
  socket.on('error', () => undefined);
  let received = '';
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => {
    received += chunk;
    chunks.push(chunk);
  });
  const closing = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  return {
    write: (text) => void socket.write(text),
    receive: (pattern) => until(() => pattern.test(received) && received, `an answer like ${pattern}`),
    closed: () => closing,
    bytes: () => Buffer.concat(chunks),
    end: () => void socket.end(),
    close: () => void socket.destroy(),
  };
}

/** The head of a request. */
export function head(method: string, path: string, headers: Record<string, string | number>): string {
  const lines = Object.entries({ host: 'localhost', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** A piece of a body in chunked transfer coding. */
export function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

export interface RawAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it is the test
  body: any;
}

/**
 * Makes one request with exactly this target and these headers, which a URL would normalise. Without a body, the
 * response is read although the request goes on.
 */
export async function exchange(
  url: string,
  method: string,
  path: string,
  headers: Record<string, string | number>,
  body?: string | Buffer,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const asking = request({ hostname, port, method, path: '/', headers, agent: false });
  // Node refuses to write some of the targets that others do write.
  Object.assign(asking, { path });
  asking.on('error', () => undefined);
  if (body !== undefined) asking.setHeader('content-length', Buffer.byteLength(body));
  if (body === undefined && headers['content-length'] !== undefined) asking.flushHeaders();
  else asking.end(body);
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  const answer = await text(response);
  asking.destroy();
  const isJson = /json/.test(response.headers['content-type'] ?? '');
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: isJson ? JSON.parse(answer) : answer,
  };
}
