import type { IncomingMessage, ServerResponse } from 'node:http';

/** Maximum time for a client to send the rest of its body after the response. */
const LINGER_MS = 5_000;

/**
 * Sends a response to a request whose body may be incomplete. The text is sent immediately, but the response ends after the
 * request: if the connection were closed or reused while the client still sends, the client would lose the response.
 * Disconnects a client that sends for longer than `LINGER_MS`.
 */
export function endBeforeBody(request: IncomingMessage, response: ServerResponse, text: string): void {
  // Node.js does not set the length for HEAD.
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
  // After a final response instead of `100 Continue`, the client does not send its body (RFC 9110, 10.1.1).
  if (request.headers.expect !== undefined) response.end();
  request.resume();
}
