import type { IncomingMessage, ServerResponse } from 'node:http';

/** A client that is still sending when the connection is closed may never see the answer: so long it is given. */
const LINGER_MS = 1_000;

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
