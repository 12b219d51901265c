import type pg from 'pg';
import { PositionExpiredError } from '../errors.ts';
import { type EventFilter, feedRange, readEvents } from './read.ts';
import type { Render, RenderedEvent, Tail } from './tail.ts';

export interface StreamOptions {
  pool: pg.Pool;
  tail: Tail;
  render: Render;
  /** Limits the streams that read the database at once. */
  catchUp: <T>(read: () => Promise<T>) => Promise<T>;
}

/** `resync`: events before this position are not kept any more. `idle`: no event up to this position. */
export type StreamItem =
  | { type: 'events'; events: RenderedEvent[]; position: number }
  | { type: 'resync'; position: number }
  | { type: 'idle'; position: number };

const PAGE = 100;
/** Proxies close connections without traffic, many after 30 or 60 seconds. */
const KEEP_ALIVE_MS = 15_000;

/**
 * Streams events after a position, without an end.
 *
 * @param after null for the end of the feed.
 */
export async function* streamEvents(
  { pool, tail, render, catchUp }: StreamOptions,
  after: number | null,
  filter: EventFilter,
  signal: AbortSignal,
): AsyncGenerator<StreamItem> {
  await tail.start();
  let position = after ?? tail.position;
  if (position > tail.position) {
    // The position of another process can be ahead of the tail, and that of another database ahead of the feed.
    const { last } = await feedRange(pool);
    if (position > last) {
      position = last;
      yield { type: 'resync', position };
    }
  }
  yield { type: 'idle', position };
  while (!signal.aborted && !tail.stopped) {
    const buffered = tail.after(position)?.slice(0, PAGE);
    if (buffered === undefined) {
      const page = await catchUp(() => readEvents(pool, position, filter, PAGE)).catch(toResync);
      if ('type' in page) yield page;
      else yield { type: 'events', events: await render(page.rows), position: page.position };
      position = page.position;
    } else if (buffered.length > 0) {
      position = (buffered.at(-1) as RenderedEvent).id;
      yield { type: 'events', events: buffered.filter((event) => matches(event, filter)), position };
    } else {
      // The last events can be of deleted resources.
      position = Math.max(position, tail.position);
      await tail.wait(KEEP_ALIVE_MS, signal);
      if (tail.position === position) yield { type: 'idle', position };
    }
  }
}

function toResync(error: unknown): StreamItem & { type: 'resync' } {
  if (error instanceof PositionExpiredError) return { type: 'resync', position: error.position };
  throw error;
}

function matches({ type, conversationId }: RenderedEvent, { types, conversationIds }: EventFilter): boolean {
  return (
    (types.length === 0 || types.includes(type)) &&
    (conversationIds.length === 0 || (conversationId !== null && conversationIds.includes(conversationId)))
  );
}

/** Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). An id without data is a position only. */
export function toServerSentEvents(item: StreamItem): string {
  const { position } = item;
  if (item.type === 'resync') return `event: resync\nid: ${position}\ndata: {"position":${position}}\n\n`;
  if (item.type === 'idle' || item.events.length === 0) return `: keep-alive\nid: ${position}\n\n`;
  return item.events.map(({ id, type, text }) => `event: ${type}\nid: ${id}\ndata: ${text}\n\n`).join('');
}
