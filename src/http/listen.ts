import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';
import type { Config } from '../config/config.ts';
import { StartError } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import { answerFailures, closeUnused, track } from './connections.ts';

const CLOSE_IDLE_MS = 50;
/** The headers of a request are small, so a slower client only occupies the connection. */
const HEADERS_TIMEOUT_MS = 10_000;
const CHECK_TIMEOUTS_MS = 5_000;

/**
 * Serves until the stack is disposed; returns the URL.
 *
 * @throws {StartError} if the service cannot listen on the port.
 */
export async function listen(
  app: Express,
  { host, port, requestTimeoutMs, keepAliveTimeoutMs, stopTimeoutMs }: Config,
  logger: Logger,
  stack: AsyncDisposableStack,
): Promise<string> {
  let closing = false;
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    if (!track(request, response)) return;
    if (closing) response.setHeader('connection', 'close');
    app(request, response);
  };
  const settings = {
    requestTimeout: requestTimeoutMs,
    headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs),
    connectionsCheckingInterval: Math.min(CHECK_TIMEOUTS_MS, requestTimeoutMs),
    keepAliveTimeout: keepAliveTimeoutMs,
    // `checkProtocol` checks the Host header, so that the response is a problem document.
    requireHostHeader: false,
  };
  // `body.ts` sends `100 Continue` when it reads the body.
  const server = createServer(settings, serve).on('checkContinue', serve).on('checkExpectation', serve);
  answerFailures(server, logger);
  closeUnused(server, keepAliveTimeoutMs, settings.headersTimeout + settings.connectionsCheckingInterval);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(new StartError([describeListenError('PORT', host, port, cause)], { cause }));
    });
    server.listen(port, host, resolve);
  });
  stack.defer(() => {
    closing = true;
    return close(server, stopTimeoutMs / 2);
  });
  const address = server.address() as AddressInfo;
  return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}

/** An error text of one line that names the variable to change. */
export function describeListenError(
  variable: string,
  host: string,
  port: number,
  { code, message }: NodeJS.ErrnoException,
): string {
  if (code === 'EADDRINUSE') return `${variable}: ${host}:${port} is in use by another program (EADDRINUSE).`;
  if (code === 'EACCES')
    return `${variable}: ${host}:${port} needs privileges that this process lacks (EACCES).`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `HOST: ${host} is not an address of this machine (${code}).`;
  return `${variable}: the service cannot listen on ${host}:${port}: ${message}`;
}

/**
 * Stops accepting connections, completes running requests and closes each connection when the connection is idle. After
 * `patienceMs`, closes all connections.
 */
function close(server: Server, patienceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const closingIdle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_MS);
    const closingAll = setTimeout(() => server.closeAllConnections(), patienceMs);
    server.close(() => {
      clearInterval(closingIdle);
      clearTimeout(closingAll);
      resolve();
    });
  });
}
