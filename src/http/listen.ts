import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';
import type { Config } from '../config/config.ts';
import { StartError } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import { answerFailures, closeUnused, track } from './connections.ts';

const CLOSE_IDLE_MS = 50;
/** The head of a request is small: who takes longer for it only holds the connection. */
const HEADERS_TIMEOUT_MS = 10_000;
const CHECK_TIMEOUTS_MS = 5_000;

/**
 * Serves until the stack is disposed of; gives the URL.
 *
 * @throws {StartError} where the port cannot be had.
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
    // Checked by the application, whose refusal is a problem document.
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

/** One line that names the variable to change. */
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
 * No new connections; requests in flight are answered, and each connection is closed when it has nothing left to do.
 * One that has said nothing yet, or is in the middle of a request for too long, is cut.
 */
function close(server: Server, patienceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const closingIdle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_MS);
    const cutting = setTimeout(() => server.closeAllConnections(), patienceMs);
    server.close(() => {
      clearInterval(closingIdle);
      clearTimeout(cutting);
      resolve();
    });
  });
}
