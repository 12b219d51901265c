import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long a client may go on sending a body that is not read, after the response. */
const LINGER_MS = 5_000;

/**
 * Ends a response to a request whose body was not read, or not to its end. The text is sent at once, and the response
 * ends with the request: a connection that is closed, or reused, while the client still sends would lose the response.
 * A client that sends for too long is cut off.
 */
export function endBeforeBody(request: IncomingMessage, response: ServerResponse, text: string): void {
  // For HEAD, Node sets no length of its own.
  response.setHeader('content-length', Buffer.byteLength(text));
  if (request.complete || request.method === 'HEAD') {
    response.end(text);
    return;
  }
  const timer = setTimeout(() => request.socket.destroy(), LINGER_MS);
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  request.once('end', end).once('close', end);
  response.write(text);
  // Such a client has been told not to send its body (RFC 9110, 10.1.1).
  if (request.headers.expect !== undefined) response.end();
  request.resume();
}
