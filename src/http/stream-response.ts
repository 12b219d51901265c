import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Max time for a client to read what is written, in milliseconds. */
const PATIENCE_MS = 30_000;

/** A signal that is aborted when the connection of a response is closed. */
export function closeSignalOf(response: ServerResponse): AbortSignal {
  const closed = new AbortController();
  response.once('close', () => closed.abort());
  return closed.signal;
}

/** The parts of a response, each of which is sent when it exists. */
export type ResponseStream = AsyncIterable<string | Buffer>;

export function isStream(body: unknown): body is ResponseStream {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

/**
 * The parts until the condition does not hold any more, for example because the key of the client was removed. The client of a
 * response that has a length then knows that the response is incomplete.
 */
export async function* takeWhile(
  parts: ResponseStream,
  condition: () => boolean,
): AsyncGenerator<string | Buffer> {
  for await (const part of parts) {
    if (!condition()) return;
    yield part;
  }
}

/**
 * Sends each part when it exists. A client that does not read for `patienceMs` is disconnected, so that memory is bounded. The headers
 * are sent with the first part: before it, an error can still become a problem document. If the parts end before the length in
 * the headers, the connection is closed, because the client would wait for the rest.
 */
export async function sendStream(
  response: ServerResponse,
  body: ResponseStream,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  let missing = Number(response.getHeader('content-length') ?? 0);
  for await (const part of body) {
    if (response.closed) return;
    missing -= part.length;
    if (!response.write(part)) await untilDrained(response, patienceMs);
  }
  if (missing > 0) response.destroy();
  else response.end();
}

async function untilDrained(response: ServerResponse, patienceMs: number): Promise<void> {
  const settled = new AbortController();
  const { signal } = settled;
  const drained = new Promise<void>((resolve) => {
    response.once('drain', resolve);
    response.once('close', resolve);
    signal.addEventListener('abort', () => {
      response.off('drain', resolve);
      response.off('close', resolve);
    });
  });
  const late = sleep(patienceMs, true, { signal }).catch(() => false);
  const isLate = await Promise.race([drained, late]);
  settled.abort();
  if (isLate === true) response.destroy();
}
