import { type Api, rethrow } from '../api.ts';
import { ConnectionError, MessagingError, unexpected } from '../errors.ts';
import { after, delayAfter, onAbort, sleep, UNLIMITED } from '../retry.ts';
import type { EventOf, EventType, MessagingEvent } from '../types.ts';
import { createFrameParser, type Frame } from './frames.ts';

export interface EventStreamOptions<Type extends EventType = EventType> {
  /** The position after which the stream starts; 0 is the start of the feed. Default: the end of the feed. */
  after?: number | undefined;
  /** Only events of these types. */
  type?: readonly Type[] | undefined;
  /** Only events of this conversation, its messages, and the conversations that are merged with it. */
  conversation_id?: number | undefined;
  /** Ends the stream. */
  signal?: AbortSignal | undefined;
  /** Max milliseconds without data before a new connection. Default: 45,000. The service sends data at least every 15 seconds. */
  idleTimeoutMs?: number | undefined;
  /** Max connections that fail one after another. Default: no limit. */
  maxRetries?: number | undefined;
}

/** An iterator over events. `break` and `return()` close the connection. */
export type EventStream<Type extends EventType = EventType> = AsyncIterableIterator<EventOf<Type>, void>;

/** Events after the position of a stream are not kept any more, or the feed ends before this position. */
export class PositionExpiredError extends MessagingError {
  override readonly name = 'PositionExpiredError';
  /** Events after this position exist. Read the resources, and continue here. */
  declare readonly position: number;

  constructor(position: number) {
    super('position_expired', `Events before position ${position} are not available.`);
    this.position = position;
  }
}

export function stream<Type extends EventType>(
  api: Api,
  options: EventStreamOptions<Type> = {},
): EventStream<Type> {
  const closing = new AbortController();
  const events = eventsOf<Type>(follow(api, options, closing));
  const end = events.return;
  // A call of `next` that waits for an event ends, too.
  events.return = (value) => {
    closing.abort();
    return end.call(events, value);
  };
  return events;
}

async function* eventsOf<Type extends EventType>(
  items: AsyncIterable<MessagingEvent | undefined>,
): AsyncGenerator<EventOf<Type>, void> {
  for await (const item of items) if (item) yield item as EventOf<Type>;
}

/**
 * Follows the feed over any number of connections, until `closing` is aborted. Yields undefined at the start of each connection.
 *
 * @throws {PositionExpiredError}
 * @throws {MessagingError} for a response that a repetition does not change.
 */
export async function* follow(
  { defaults, open }: Api,
  options: EventStreamOptions,
  closing: AbortController,
): AsyncGenerator<MessagingEvent | undefined, void> {
  const { type, conversation_id, idleTimeoutMs = 45_000, maxRetries = UNLIMITED } = options;
  const policy = { maxRetries, maxRetryAfter: UNLIMITED };
  const { signal } = closing;
  /** All events up to this position were received; undefined for the end of the feed. */
  let position = options.after;
  const release = onAbort(options.signal, () => closing.abort());
  try {
    // Connections without data, one after another.
    for (let failures = 0; ; failures++) {
      // Not every fetch closes the connection when the body is canceled.
      const connection = new AbortController();
      const release = onAbort(signal, () => connection.abort());
      try {
        const query = { after: position, type, conversation_id } as object;
        const given = { ...policy, signal: connection.signal, timeout: idleTimeoutMs };
        const { data, response } = await open('/api/events/stream', { query }, given).withResponse();
        if (!response.headers.get('content-type')?.startsWith('text/event-stream'))
          throw unexpected(response.status);
        let isOpen = false;
        for await (const frame of readFrames(data, idleTimeoutMs, connection)) {
          failures = 0;
          const id = Number(frame.id);
          if (frame.event === 'resync') throw new PositionExpiredError(id);
          if (!isOpen) yield undefined;
          isOpen = true;
          // A frame without an id has no position, and an event may come again.
          if (!(id > (position ?? -1))) continue;
          position = id;
          if (frame.data && !signal.aborted) yield JSON.parse(frame.data);
        }
      } finally {
        release();
        connection.abort();
      }
      const lost = new ConnectionError('The stream ended.');
      const delay = delayAfter(lost, failures, { ...defaults, ...policy });
      if (delay === null) throw lost;
      await sleep(delay, signal);
    }
  } catch (error) {
    if (!signal.aborted) rethrow(error);
  } finally {
    release();
  }
}

/**
 * Reads only when the consumer asks for the next frame, so that memory is bounded. Ends with the body, when no data comes for
 * `idleTimeoutMs`, and when the connection is aborted.
 */
async function* readFrames(
  body: ReadableStream<Uint8Array>,
  idleTimeoutMs: number,
  connection: AbortController,
): AsyncGenerator<Frame, void> {
  const reader = body.getReader();
  const parse = createFrameParser();
  onAbort(connection.signal, () => void reader.cancel().catch(() => {}));
  try {
    for (;;) {
      const timer = after(idleTimeoutMs, () => connection.abort());
      const { value } = await reader.read().finally(() => clearTimeout(timer));
      if (!value) return;
      yield* parse(value);
    }
  } catch {
    // The connection was lost.
  }
}
