import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long a client may continue to send an unread body after the response. */
const LINGER_MS = 5_000;

/**
 * Ends a response to a request whose body was not read completely. The text is sent immediately, and the response ends
 * with the request: if the connection were closed or reused while the client still sends, the client would lose the
 * response. A client that sends for longer than `LINGER_MS` is disconnected.
 */
export function endBeforeBody(request: IncomingMessage, response: ServerResponse, text: string): void {
  // For HEAD, Node does not set the length.
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
  // The client does not send its body after a final response instead of `100 Continue` (RFC 9110, 10.1.1).
  if (request.headers.expect !== undefined) response.end();
  request.resume();
}
