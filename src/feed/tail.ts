import type pg from 'pg';
import { type Listener, listenTo } from '../db/listen.ts';
import type { Events } from '../observability/events.ts';
import type { EventRow, EventType } from './event.ts';
import { feedRange, readEvents } from './read.ts';

/** An event as clients receive it. */
export interface RenderedEvent {
  id: number;
  type: EventType;
  conversationId: number | null;
  /** JSON. */
  text: string;
}

export type Render = (rows: EventRow[]) => Promise<RenderedEvent[]>;

export interface TailOptions {
  pool: pg.Pool;
  /** The URL of the database for LISTEN. */
  listenUrl: string;
  render: Render;
  events: Events;
}

/** Max events and UTF-16 units of the buffer. */
const MAX_EVENTS = 5_000;
const MAX_LENGTH = 8 * 1_048_576;
const BATCH = 200;
/** Notifications can be lost. */
const POLL_MS = 5_000;

/**
 * The newest events, which one reader of the database keeps for all streams of a process. Streams behind the buffer read the
 * database themselves.
 */
export class Tail {
  readonly #options: TailOptions;
  readonly #waiting = new Set<() => void>();
  #buffer: RenderedEvent[] = [];
  #length = 0;
  /** The position before the first event of the buffer. */
  #start = 0;
  #position = 0;
  #listener: Listener | undefined;
  #timer: NodeJS.Timeout | undefined;
  #starting: Promise<void> | undefined;
  #reading = false;
  #again = false;
  #stopped = false;

  constructor(options: TailOptions) {
    this.#options = options;
  }

  /** Starts at the end of the feed, with the first call. */
  start(): Promise<void> {
    this.#starting ??= this.#begin().catch((error) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /** The position of the last event. */
  get position(): number {
    return this.#position;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** The events after a position; null if the buffer does not contain all of them. */
  after(position: number): RenderedEvent[] | null {
    if (position < this.#start) return null;
    if (position >= this.#position) return [];
    return this.#buffer.slice(this.#indexAfter(position));
  }

  /** Resolves with the next events, after `ms` milliseconds, or when the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#waiting.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end);
      this.#waiting.add(end);
      if (signal.aborted || this.#stopped) end();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    for (const end of this.#waiting) end();
    await this.#listener?.stop();
  }

  async #begin(): Promise<void> {
    const { pool, listenUrl: url, events } = this.#options;
    const { last } = await feedRange(pool);
    this.#start = last;
    this.#position = last;
    const read = () => void this.#read();
    this.#listener = listenTo(url, { feed: read }, (error) => events.failed('listen', error));
    this.#timer = setInterval(read, POLL_MS).unref();
  }

  /** Reads new events. A call during a read is followed by another read. */
  async #read(): Promise<void> {
    this.#again = this.#reading;
    if (this.#reading || this.#stopped) return;
    this.#reading = true;
    try {
      while (await this.#readBatch());
    } catch (error) {
      this.#options.events.failed('read_events', error);
    } finally {
      this.#reading = false;
      if (this.#again) void this.#read();
    }
  }

  async #readBatch(): Promise<boolean> {
    const { pool, render } = this.#options;
    const { rows } = await readEvents(pool, this.#position, { types: [], conversationIds: [] }, BATCH);
    if (rows.length === 0) return false;
    for (const event of await render(rows)) {
      this.#buffer.push(event);
      this.#length += event.text.length;
    }
    this.#position = (rows.at(-1) as EventRow).id;
    this.#trim();
    for (const end of this.#waiting) end();
    return rows.length === BATCH;
  }

  /** The index of the first event after a position. Events of deleted resources are not in the buffer. */
  #indexAfter(position: number): number {
    let [low, high] = [0, this.#buffer.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#buffer[middle] as RenderedEvent).id > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #trim(): void {
    let removed = 0;
    while (this.#buffer.length - removed > MAX_EVENTS || this.#length > MAX_LENGTH)
      this.#length -= (this.#buffer[removed++] as RenderedEvent).text.length;
    if (removed === 0) return;
    this.#start = (this.#buffer[removed - 1] as RenderedEvent).id;
    this.#buffer = this.#buffer.slice(removed);
  }
}
