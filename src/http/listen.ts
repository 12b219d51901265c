import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';
import type { Config } from '../config/config.ts';
import { StartError } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import { answerFailures, closeUnused, track } from './connections.ts';

const CLOSE_IDLE_MS = 50;
/** The head of a request is small: a client that needs longer only occupies the connection. */
const HEADERS_TIMEOUT_MS = 10_000;
const CHECK_TIMEOUTS_MS = 5_000;

/**
 * Serves until the stack is disposed of; returns the URL.
 *
 * @throws {StartError} the service cannot listen on the port.
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
    // `checkProtocol` checks it, so that the response is a problem document.
    requireHostHeader: false,
  };
  // `100 Continue` is sent when the body is read, not here.
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
  return `${variable}: ${host}:${port} cannot be listened on: ${message}`;
}

/**
 * Stops accepting connections, answers the requests in flight and closes each connection when it is idle. After
 * `patienceMs`, closes the connections whose request is not complete.
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
