import { randomUUID } from 'node:crypto';
import { IncomingMessage, type Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ProtocolError, type ServiceError } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import { securityHeaders } from './middleware/security-headers.ts';
import { PROBLEM_TYPE, problemOf, sendProblem } from './problem.ts';
import { fromParser } from './protocol-errors.ts';
import { stateOf } from './request-state.ts';

/** Maximum time for a client to read the last response of a connection. */
const LINGER_MS = 5_000;

/** The requests of one connection. */
interface Connection {
  /** Responses that are not sent yet, in the order of their requests. */
  pending: Set<ServerResponse>;
  latest: { request: IncomingMessage; response: ServerResponse } | null;
  /** Whether the connection had an error, after which its bytes are not parsed as requests. */
  failed: boolean;
}

const connections = new WeakMap<Duplex, Connection>();

function connectionOf(socket: Duplex): Connection {
  const known = connections.get(socket);
  if (known) return known;
  const connection: Connection = { pending: new Set(), latest: null, failed: false };
  connections.set(socket, connection);
  return connection;
}

/** Registers a request. Returns false if its connection has failed; the caller must then ignore the request. */
export function track(request: IncomingMessage, response: ServerResponse): boolean {
  const connection = connectionOf(request.socket);
  if (connection.failed) return false;
  connection.latest = { request, response };
  connection.pending.add(response);
  response.once('close', () => {
    connection.pending.delete(response);
    // An idle connection must not keep its last request in memory.
    if (connection.latest?.response === response && request.complete) connection.latest = null;
  });
  return true;
}

/**
 * Closes connections without a request. A load balancer opens connections in advance and expects that they stay open as long
 * as other idle connections. Node.js would close them after its timeout for headers.
 *
 * @param idleMs maximum time of a connection without a byte.
 * @param headersMs additional time until the first request is parsed. Node.js has no timeout for bytes before a request, such
 *   as empty lines.
 */
export function closeUnused(server: Server, idleMs: number, headersMs: number): void {
  server.on('connection', (socket: Socket) => {
    let timer = setTimeout(() => {
      if (socket.bytesRead === 0) socket.destroy();
      else timer = setTimeout(() => connections.has(socket) || socket.destroy(), headersMs);
    }, idleMs);
    socket.once('close', () => clearTimeout(timer));
  });
}

/** Sends a problem document, instead of Node's own response, for each request that Node's HTTP parser refuses. */
export function answerFailures(server: Server, logger: Logger): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && isStreaming(socket)) return;
    if (socket.bytesRead > 0) void fail(fromParser(error), socket, logger);
    // A timeout without a byte is ignored, because `closeUnused` limits the time of such connections.
    else if (error.code !== 'ERR_HTTP_REQUEST_TIMEOUT') socket.destroy();
  });
  server.on('connect', (_request, socket) => {
    socket.on('error', () => socket.destroy());
    const detail = 'CONNECT is not implemented.';
    void fail(new ProtocolError('not_implemented', detail), socket, logger);
  });
}

/**
 * Ends a connection with a problem document. If the body of a request is malformed, the document is the response to this
 * request, unless the request already has a response. Otherwise the document follows the responses to earlier requests.
 */
async function fail(error: ServiceError, socket: Duplex, logger: Logger): Promise<void> {
  const connection = connectionOf(socket);
  // The parser reports each further chunk of a connection that has failed.
  if (connection.failed) return;
  connection.failed = true;
  const { latest, pending } = connection;
  const inBody = latest !== null && !latest.request.complete;
  if (inBody) stateOf(latest.request).failBody?.(error);
  if (inBody && !latest.response.headersSent) {
    latest.response.setHeader('connection', 'close');
    sendProblem(latest.request, latest.response, error);
  }
  await Promise.all([...pending].map((response) => new Promise((done) => response.once('close', done))));
  if (!socket.writable) return;
  endConnection(socket, inBody ? '' : responseFor(error, logger));
}

/** Whether the last request of a connection is in progress, and its handler limits the time for its body. */
function isStreaming(socket: Duplex): boolean {
  const request = connections.get(socket)?.latest?.request;
  return request !== undefined && !request.complete && stateOf(request).isStreamed;
}

/** Returns the text of a response without a request, and logs one line. */
function responseFor(error: ServiceError, logger: Logger): string {
  const id = randomUUID();
  const problem = problemOf(error, id);
  const text = JSON.stringify(problem);
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  securityHeaders(response.req, response, () => undefined);
  const headers = {
    ...response.getHeaders(),
    'content-type': PROBLEM_TYPE,
    'content-length': Buffer.byteLength(text),
    'x-request-id': id,
    date: new Date().toUTCString(),
    connection: 'close',
  };
  logger.info(
    { request_id: id, response: { status: problem.status }, code: problem.code },
    'request refused',
  );
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${problem.status} ${problem.title}\r\n${lines.join('')}\r\n${text}`;
}

/** Sends a text and ends the connection. Ignores further bytes of the client for at most `LINGER_MS`. */
function endConnection(socket: Duplex, text: string): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.end(text);
  socket.resume();
}
