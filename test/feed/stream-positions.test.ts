import { expect } from 'chai';
import { storedFunction } from '../../src/db/functions.ts';
import { type Database, openDatabase } from '../../src/db/pools.ts';
import type { EventFilter } from '../../src/feed/read.ts';
import { type StreamItem, type StreamOptions, type StreamPage, streamEvents } from '../../src/feed/stream.ts';
import { type Render, Tail } from '../../src/feed/tail.ts';
import { createEvents } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createMigratedDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

const ALL: EventFilter = { types: [], conversationIds: [] };

describe('The items of a stream', () => {
  let database: Database;
  let tail: Tail;
  let streams: AsyncGenerator<StreamItem>[];
  let stopping: AbortController;

  const render: Render = async (rows) =>
    rows.map(({ id, type, conversation_id }) => ({
      id,
      type,
      conversationId: conversation_id,
      text: `${id}`,
    }));

  beforeEach(async () => {
    const listenUrl = await createMigratedDatabase();
    database = openDatabase(listenUrl, () => undefined);
    const events = createEvents(createLogger('silent'));
    tail = new Tail({ pool: database.pool, listenUrl, render, events });
    streams = [];
    stopping = new AbortController();
  });
  afterEach(async () => {
    stopping.abort();
    await Promise.all(streams.map((stream) => stream.return(undefined)));
    await tail.stop();
    await database.close();
  });

  const append = async (type: string, count = 1) => {
    await database.pool.query('insert into event_inbox (type) select $1 from generate_series(1, $2)', [
      type,
      count,
    ]);
    await database.pool.query(`select moved from ${storedFunction('sequence_events')}(1000)`);
  };
  /** Starts a stream and reads its first item, the position. */
  const open = async (after: number | null, filter = ALL, options: Partial<StreamOptions> = {}) => {
    const context = {
      pool: database.pool,
      tail,
      render,
      catchUp: (_: string, read: () => Promise<StreamPage>) => read(),
    };
    const stream = streamEvents({ ...context, ...options }, after, filter, stopping.signal);
    streams.push(stream);
    await stream.next();
    return stream;
  };
  const next = async (stream: AsyncGenerator<StreamItem>) => {
    const item = (await stream.next()).value as StreamItem;
    return item.type === 'events' ? item.events.map(({ id }) => id) : `${item.type} ${item.position}`;
  };

  it('are no positions of events that do not match the filter, until the connection needs traffic', async () => {
    await append('message.sent', 3);
    const stream = await open(null, { types: ['message.failed'], conversationIds: [] });
    for (let n = 0; n < 20; n++) {
      await append('message.sent', 10);
      await until(() => tail.position === 13 + 10 * n, 'the tail has the events');
    }
    const item = next(stream);
    await append('message.failed');
    expect(await item).to.deep.equal([204]);
    const behind = await open(1, { types: ['message.failed'], conversationIds: [] });
    expect(await next(behind)).to.deep.equal([204]);
  });

  it('are keep-alives while the stream waits until it can read the database', async () => {
    await append('message.sent', 600);
    const released = Promise.withResolvers<void>();
    const stream = await open(1, ALL, {
      keepAliveMs: 20,
      catchUp: async (_key, read) => {
        await released.promise;
        return read();
      },
    });
    expect([await next(stream), await next(stream)]).to.deep.equal(['idle 1', 'idle 1']);
    released.resolve();
    let item = await next(stream);
    while (item === 'idle 1') item = await next(stream);
    expect(item).to.include.members([2, 3]);
  });

  it('end after 64 KiB, and continue with the next event', async () => {
    await append('message.sent', 900);
    const long: Render = async (rows) =>
      (await render(rows)).map((event) => ({ ...event, text: 'x'.repeat(10_000) }));
    const stream = await open(0, ALL, { render: long });
    const sizes: number[] = [];
    const ids: number[] = [];
    while (ids.length < 395) {
      const item = (await next(stream)) as number[];
      sizes.push(item.length);
      ids.push(...item);
    }
    expect(Math.max(...sizes)).to.equal(7);
    expect(ids).to.deep.equal(ids.map((_, index) => index + 1));
  });

  it('come from the buffer if a stream continues shortly before the start of the process', async () => {
    await append('message.sent', 600);
    const stream = await open(590, ALL, { catchUp: () => Promise.reject(new Error('No read is needed')) });
    expect(await next(stream)).to.deep.equal([591, 592, 593, 594, 595, 596, 597, 598, 599, 600]);
  });

  it('need no query of their own for new events', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => open(null)));
    const items = Promise.all(all.map(next));
    let queries = 0;
    database.pool.on('acquire', () => queries++);
    await append('message.sent');
    expect(await items).to.deep.equal(Array.from({ length: 50 }, () => [1]));
    // Those of the test, and of the tail.
    expect(queries).to.be.below(10);
  });

  it('resynchronize after the database has lost the last events', async () => {
    await append('message.sent', 10);
    const stream = await open(5);
    expect(await next(stream)).to.deep.equal([6, 7, 8, 9, 10]);
    const item = next(stream);
    await database.pool.query(
      'with lost as (delete from events where id > 7) update feed_state set last_position = 7',
    );
    await append('message.sent', 1);
    expect(await item).to.equal('resync 8');
    await append('message.sent', 4);
    expect(await next(stream)).to.deep.equal([9, 10, 11, 12]);
  });

  it('resynchronize after events were removed that the process had not read', async () => {
    await append('message.sent', 1);
    const stream = await open(1);
    await database.pool.query(`
      with removed as (delete from events), kept as (
        insert into events (id, type, created_at) select id, 'message.sent', now() from generate_series(9, 10) as id)
      update feed_state set last_position = 10`);
    await append('message.sent');
    const items = [await next(stream), await next(stream)];
    expect(items[0]).to.equal('resync 8');
    expect(items[1]).to.include.members([9, 10]);
    await until(() => tail.position === 11, 'the tail continues');
  });
});
