import { randomUUID } from 'node:crypto';
import { IncomingMessage, type Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ProtocolError, type ServiceError } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import { securityHeaders } from './middleware/security-headers.ts';
import { PROBLEM_TYPE, problemOf, sendProblem } from './problem.ts';
import { fromParser } from './protocol-errors.ts';

/** How long a client may take to read the last response of a connection. */
const LINGER_MS = 5_000;

/** The requests of one connection. */
interface Connection {
  /** Responses that are not sent yet, in the order of their requests. */
  pending: Set<ServerResponse>;
  latest: { request: IncomingMessage; response: ServerResponse } | null;
  /** Further bytes of the connection are not read as requests. */
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

/** Registers a request. Returns false if its connection has failed: the request must then have no effect. */
export function track(request: IncomingMessage, response: ServerResponse): boolean {
  const connection = connectionOf(request.socket);
  if (connection.failed) return false;
  connection.latest = { request, response };
  connection.pending.add(response);
  response.once('close', () => {
    connection.pending.delete(response);
    // A connection outlives its requests and must not keep the last request in memory.
    if (connection.latest?.response === response && request.complete) connection.latest = null;
  });
  return true;
}

/**
 * Closes connections on which no request begins. A load balancer opens connections in advance and expects them to stay
 * open as long as an idle connection; Node.js would close them as requests whose headers are late.
 *
 * @param idleMs how long a connection may be open without a byte.
 * @param headersMs how long a first request may take to arrive after that. Node.js does not limit what the parser skips
 *   before a request, such as empty lines.
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

/** Answers requests that Node's HTTP parser refuses with problem documents instead of Node's own responses. */
export function answerFailures(server: Server, logger: Logger): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (socket.bytesRead > 0) void fail(fromParser(error), socket, logger);
    // No request has begun. `closeUnused` limits how long the connection stays open.
    else if (error.code !== 'ERR_HTTP_REQUEST_TIMEOUT') socket.destroy();
  });
  server.on('connect', (_request, socket) => {
    socket.on('error', () => socket.destroy());
    const detail = 'The service is not a proxy: it does not implement CONNECT.';
    void fail(new ProtocolError('not_implemented', detail), socket, logger);
  });
}

/**
 * Ends a connection with a problem document. Where the failure is in the body of a request, the document is the
 * response to that request, unless it has one; otherwise it follows the responses to the requests before.
 */
async function fail(error: ServiceError, socket: Duplex, logger: Logger): Promise<void> {
  const connection = connectionOf(socket);
  // The parser reports each further chunk of a connection that has failed.
  if (connection.failed) return;
  connection.failed = true;
  const { latest, pending } = connection;
  const inBody = latest !== null && !latest.request.complete;
  if (inBody && !latest.response.headersSent) {
    latest.response.setHeader('connection', 'close');
    sendProblem(latest.request, latest.response, error);
  }
  await Promise.all([...pending].map((response) => new Promise((done) => response.once('close', done))));
  if (!socket.writable) return;
  hangUp(socket, inBody ? '' : responseFor(error, logger));
}

/** Writes a response without a request, and logs one line. */
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

/** Ends a connection after this text. Further bytes of the client are dropped for at most `LINGER_MS`. */
function hangUp(socket: Duplex, text: string): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.end(text);
  socket.resume();
}
