import pLimit from 'p-limit';
import type pg from 'pg';
import type { Events } from '../observability/events.ts';
import { DEFAULT_LIMIT, FREE_BYTES } from '../openapi/page.ts';
import type { Reserve, Schema } from '../openapi/types.ts';
import type { Resources } from './event.ts';
import { MAX_BYTES } from './fit.ts';
import { presentEvents, renderer } from './present.ts';
import { type EventFilter, readEvents } from './read.ts';
import { type StreamItem, type StreamPage, streamEvents } from './stream.ts';
import { Tail } from './tail.ts';

export interface FeedOptions {
  pool: pg.Pool;
  /** The URL of the database for LISTEN. */
  listenUrl: string;
  resources: Resources;
  events: Events;
}

/** Max lists, and max streams, of this process that read the database at once, so that connections are left for writes. */
const MAX_READS = 2;

/** The events of one database, for the readers of this process. */
export class Feed {
  readonly #options: FeedOptions;
  readonly #tail: Tail;
  readonly #lists = pLimit(MAX_READS);
  readonly #streams = pLimit(MAX_READS);
  readonly #pages = new Map<string, Promise<StreamPage>>();

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#tail = new Tail({ ...options, render: renderer(options.resources) });
  }

  /**
   * A page of events after a position.
   *
   * @param reserve reserves the bytes of a large page.
   * @throws {PositionExpiredError} if events after this position are not kept any more.
   */
  async list(
    after: number,
    filter: EventFilter,
    limit = DEFAULT_LIMIT,
    reserve?: Reserve,
  ): Promise<Schema<'EventList'>> {
    const { pool, resources } = this.#options;
    const { data, position, last } = await this.#lists(async () => {
      const { rows, ...read } = await readEvents(pool, after, filter, limit);
      return { ...read, data: await presentEvents(rows, resources) };
    });
    const bytes = data.length * MAX_BYTES > FREE_BYTES ? Buffer.byteLength(JSON.stringify(data)) : 0;
    if (bytes > FREE_BYTES) await reserve?.(bytes);
    return { data, position, next_cursor: position < last ? `${position}` : null };
  }

  /** Streams events after a position, or after the end of the feed for null, until the signal is aborted. */
  stream(after: number | null, filter: EventFilter, signal: AbortSignal): AsyncGenerator<StreamItem> {
    const { pool, resources } = this.#options;
    const context = {
      pool,
      tail: this.#tail,
      render: renderer(resources),
      catchUp: (key: string, read: () => Promise<StreamPage>) => this.#catchUp(key, read),
    };
    return streamEvents(context, after, filter, signal);
  }

  /** After an outage, many streams continue from the same position. */
  #catchUp(key: string, read: () => Promise<StreamPage>): Promise<StreamPage> {
    const running = this.#pages.get(key);
    if (running) return running;
    const started = this.#streams(read).finally(() => this.#pages.delete(key));
    this.#pages.set(key, started);
    return started;
  }

  /** Empties the caches, because content was erased. */
  forget(): void {
    this.#tail.forget();
  }

  stop(): Promise<void> {
    return this.#tail.stop();
  }
}
