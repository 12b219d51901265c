import type pg from 'pg';
import { PositionExpiredError } from '../errors.ts';
import { resolvedOrAfter } from '../outbox/claim-loop.ts';
import { type EventFilter, feedRange, readEvents } from './read.ts';
import type { Render, RenderedEvent, Tail } from './tail.ts';

export interface StreamOptions {
  pool: pg.Pool;
  tail: Tail;
  render: Render;
  /** Limits the streams that read the database at once. Streams with the same key share one read. */
  catchUp: (key: string, read: () => Promise<StreamPage>) => Promise<StreamPage>;
  keepAliveMs?: number;
}

/** `resync`: events before this position are not kept any more. `idle`: no event up to this position. */
export type StreamItem =
  | { type: 'events'; events: RenderedEvent[]; position: number }
  | { type: 'resync'; position: number }
  | { type: 'idle'; position: number };

/** Events after a position. */
export interface StreamPage {
  item: StreamItem;
  /** The length of the next page, whose events fit into one item. */
  next: number;
}

/** Max events that are read from the database, and searched in the buffer, at once. */
const PAGE = 100;
const SEARCHED = 1_000;
/** The UTF-16 units after which an item ends, because a slow reader holds the item in memory. */
const MAX_LENGTH = 65_536;
/** Proxies close connections without traffic, many after 30 or 60 seconds. */
const KEEP_ALIVE_MS = 15_000;

/**
 * Streams events after a position, without an end. Without an event for `keepAliveMs`, reports the position.
 *
 * @param after null for the end of the feed.
 */
export async function* streamEvents(
  { pool, tail, render, catchUp, keepAliveMs = KEEP_ALIVE_MS }: StreamOptions,
  after: number | null,
  filter: EventFilter,
  signal: AbortSignal,
): AsyncGenerator<StreamItem> {
  await tail.start();
  let { restarted } = tail;
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
  let reported = performance.now();
  const untilKeepAlive = () => reported + keepAliveMs - performance.now();
  let length = PAGE;

  while (!signal.aborted && !tail.stopped) {
    let item: StreamItem;
    const buffered = tail.after(position, SEARCHED);
    if (tail.restarted !== restarted) {
      ({ restarted } = tail);
      if (position <= restarted.position) continue;
      item = { type: 'resync', position: restarted.position };
    } else if (buffered === null) {
      const key = JSON.stringify([position, length, filter]);
      const reading = catchUp(key, () => readPage(position, length)).catch(toResync);
      const settled = reading.then(
        () => undefined,
        () => undefined,
      );
      while (!(await resolvedOrAfter(settled, Math.max(0, untilKeepAlive())))) {
        if (signal.aborted) return;
        yield { type: 'idle', position };
        reported = performance.now();
      }
      ({ item, next: length } = await reading);
    } else if (buffered.length > 0) {
      item = cut(
        buffered.filter((event) => matches(event, filter)),
        (buffered.at(-1) as RenderedEvent).id,
      );
    } else {
      // The last events can be of deleted resources.
      position = Math.max(position, tail.position);
      await tail.wait(Math.max(0, untilKeepAlive()), signal);
      item = { type: 'idle', position };
    }
    ({ position } = item);
    if (isDue(item, untilKeepAlive())) {
      yield item;
      reported = performance.now();
    }
  }

  async function readPage(position: number, limit: number): Promise<StreamPage> {
    const { rows, ...read } = await readEvents(pool, position, filter, limit);
    const item = cut(await render(rows), read.position);
    // The events after the cut will be rendered again.
    const isCut = item.position < read.position;
    return { item, next: isCut ? item.events.length : Math.min(PAGE, 2 * limit) };
  }
}

/** An item with the first events, which ends at `position` or, if the events are too long, before it. */
function cut(events: RenderedEvent[], position: number): StreamItem & { type: 'events' } {
  let count = 0;
  for (let length = 0; count < events.length && length < MAX_LENGTH; count++)
    length += (events[count] as RenderedEvent).text.length;
  if (count === events.length) return { type: 'events', events, position };
  return {
    type: 'events',
    events: events.slice(0, count),
    position: (events[count - 1] as RenderedEvent).id,
  };
}

/** Positions without events are reported only as often as the connection needs traffic. */
function isDue(item: StreamItem, untilKeepAliveMs: number): boolean {
  return (
    item.type === 'resync' || (item.type === 'events' && item.events.length > 0) || untilKeepAliveMs <= 0
  );
}

function toResync(error: unknown): StreamPage {
  if (error instanceof PositionExpiredError)
    return { item: { type: 'resync', position: error.position }, next: PAGE };
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
