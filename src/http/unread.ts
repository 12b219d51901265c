import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long a client may go on sending after the response: one that is cut off while it sends may never read it. */
const LINGER_MS = 5_000;

/**
 * What is still to come of a request that is refused: dropped as it arrives, so that the client gets to reading the
 * answer and the connection can be used again; whoever goes on for long is cut off.
 */
export function dropUnread(request: IncomingMessage, response: ServerResponse): void {
  if (request.readableEnded) return;
  response.once('finish', () => {
    request.resume();
    if (request.complete) return;
    const timer = setTimeout(() => request.socket.destroy(), LINGER_MS);
    request.once('close', () => clearTimeout(timer));
  });
}
