import type pg from 'pg';
import { type Listener, listenTo } from '../db/listen.ts';
import { PositionExpiredError } from '../errors.ts';
import type { Events } from '../observability/events.ts';
import { type EventRow, type EventType, FEED_MOVED } from './event.ts';
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

/** The events before the start, for streams that continue at this process after a restart of another. */
const HISTORY = 500;
/** Max events and UTF-16 units of the buffer. */
const MAX_EVENTS = 5_000;
const MAX_LENGTH = 8 * 1_048_576;
const BATCH = 200;
const ALL = { types: [], conversationIds: [] };
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
  #restarted = { position: 0 };
  /** How often the buffer was emptied. */
  #forgotten = 0;
  #listener: Listener | undefined;
  #timer: NodeJS.Timeout | undefined;
  #starting: Promise<void> | undefined;
  #reading = false;
  #again = false;
  #stopped = false;

  constructor(options: TailOptions) {
    this.#options = options;
  }

  /** Starts with the last events of the feed, with the first call. */
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

  /** The position at which the tail continued after it had lost its place in the feed; a new object each time. */
  get restarted(): { readonly position: number } {
    return this.#restarted;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** At most `limit` events after a position; null if the buffer does not contain all events after it. */
  after(position: number, limit = Number.POSITIVE_INFINITY): RenderedEvent[] | null {
    if (position < this.#start) return null;
    if (position >= this.#position) return [];
    const index = this.#indexAfter(position);
    return this.#buffer.slice(index, index + limit);
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

  /** Empties the buffer, because content of its events may have been erased. Streams read the database instead. */
  forget(): void {
    this.#forgotten++;
    this.#buffer = [];
    this.#length = 0;
    this.#start = this.#position;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    for (const end of this.#waiting) end();
    await this.#listener?.stop();
  }

  async #begin(): Promise<void> {
    const { pool, listenUrl: url, events } = this.#options;
    const { first, last } = await feedRange(pool);
    this.#restart(Math.max(first - 1, last - HISTORY));
    while (await this.#readBatch());
    if (this.#stopped) return;
    const read = () => void this.#read();
    this.#listener = listenTo(url, { [FEED_MOVED]: read }, (error) => events.failed('listen', error));
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
      if (error instanceof PositionExpiredError) {
        this.#restart(error.position);
        this.#again = true;
      } else this.#options.events.failed('read_events', error);
    } finally {
      this.#reading = false;
      if (this.#again) void this.#read();
    }
  }

  async #readBatch(): Promise<boolean> {
    const { pool, render } = this.#options;
    const { rows, last } = await readEvents(pool, this.#position, ALL, BATCH);
    if (last < this.#position) this.#restart(last);
    if (rows.length === 0) return false;
    const forgotten = this.#forgotten;
    const rendered = await render(rows);
    // Content of these events may have been erased while they were read.
    if (forgotten !== this.#forgotten) return true;
    for (const event of rendered) {
      this.#buffer.push(event);
      this.#length += event.text.length;
    }
    this.#position = (rows.at(-1) as EventRow).id;
    this.#trim();
    for (const end of this.#waiting) end();
    return rows.length === BATCH;
  }

  /** Continues after a position: at the start, or if events before it are not kept, or the database has lost the last events. */
  #restart(position: number): void {
    this.#buffer = [];
    this.#length = 0;
    this.#start = position;
    this.#position = position;
    this.#restarted = { position };
    for (const end of this.#waiting) end();
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
