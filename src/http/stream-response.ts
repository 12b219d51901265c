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

export function isStream(body: unknown): body is AsyncIterable<string> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

/** The texts until the condition does not hold any more, for example because the key of the client was removed. */
export async function* takeWhile(
  texts: AsyncIterable<string>,
  condition: () => boolean,
): AsyncGenerator<string> {
  for await (const text of texts) {
    if (!condition()) return;
    yield text;
  }
}

/**
 * Sends texts as they come. A client that does not read for `patienceMs` is disconnected, so that memory is bounded. The headers
 * are sent with the first text: before it, an error can still become a problem document.
 */
export async function sendStream(
  response: ServerResponse,
  body: AsyncIterable<string>,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  for await (const text of body) {
    if (response.closed) return;
    if (!response.write(text)) await untilDrained(response, patienceMs);
  }
  response.end();
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
