import { once } from 'node:events';
import { connect } from 'node:net';
import { until } from './until.ts';

export interface RawConnection {
  write(text: string): void;
  /** All that came so far, as soon as it fits. */
  receive(pattern: RegExp): Promise<string>;
  /** Resolves when the other side has closed the connection. */
  closed(): Promise<unknown>;
  close(): void;
}

/** A connection on which the client does as it likes. */
export async function connectRaw(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  // A connection that is cut off under a client that still writes.
  socket.on('error', () => undefined);
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk;
  });
  const closing = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  return {
    write: (text) => void socket.write(text),
    receive: (pattern) => until(() => pattern.test(received) && received, `an answer like ${pattern}`),
    closed: () => closing,
    close: () => void socket.destroy(),
  };
}

/** The head of a request. */
export function head(method: string, path: string, headers: Record<string, string | number>): string {
  const lines = Object.entries({ host: 'service', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** A piece of a body in chunked transfer coding. */
export function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}
