import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { until } from './until.ts';

export interface RawConnection {
  write(text: string): void;
  /** Waits until the received text matches the pattern; returns all received text. */
  receive(pattern: RegExp): Promise<string>;
  /** Resolves when the connection is closed. */
  closed(): Promise<unknown>;
  /** All received bytes. */
  bytes(): Buffer;
  /** Closes the sending side of the connection. */
  end(): void;
  close(): void;
}

/** Opens a TCP connection, for requests that an HTTP client does not send. */
export async function connectRaw(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  // The server may close the connection while the client still writes.
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
    receive: (pattern) =>
      until(() => pattern.test(received) && received, `a response that matches ${pattern}`),
    closed: () => closing,
    bytes: () => Buffer.concat(chunks),
    end: () => void socket.end(),
    close: () => void socket.destroy(),
  };
}

/** The request line and the headers of a request. */
export function head(method: string, path: string, headers: Record<string, string | number>): string {
  const lines = Object.entries({ host: 'localhost', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** One chunk of a body in chunked transfer coding. */
export function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

export interface RawAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: the assertions of the test check the body
  body: any;
}

/**
 * Sends one request with exactly this target, which a URL would normalise, and these headers. With a `content-length` but
 * without a body, the request stays incomplete, and the early response is read.
 */
export async function exchange(
  url: string,
  method: string,
  path: string,
  headers: Record<string, string | number>,
  body?: string | Buffer,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const outgoing = request({ hostname, port, method, path: '/', headers, agent: false });
  // The constructor of Node.js refuses some targets that other clients send.
  Object.assign(outgoing, { path });
  outgoing.on('error', () => undefined);
  if (body !== undefined) outgoing.setHeader('content-length', Buffer.byteLength(body));
  if (body === undefined && headers['content-length'] !== undefined) outgoing.flushHeaders();
  else outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const answer = await text(response);
  outgoing.destroy();
  const isJson = /json/.test(response.headers['content-type'] ?? '');
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: isJson ? JSON.parse(answer) : answer,
  };
}
