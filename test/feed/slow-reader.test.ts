import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { expect } from 'chai';
import { storedFunction } from '../../src/db/functions.ts';
import { type Database, openDatabase } from '../../src/db/pools.ts';
import type { Resources } from '../../src/feed/event.ts';
import { Feed } from '../../src/feed/feed.ts';
import { toServerSentEvents } from '../../src/feed/stream.ts';
import { closeSignalOf, sendStream } from '../../src/http/stream-response.ts';
import { createEvents } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createMigratedDatabase } from '../support/database.ts';
import { readFrames } from '../support/event-stream.ts';
import { listen } from '../support/listen.ts';
import { until } from '../support/until.ts';

const EVENTS = 2_500;
/** More than the buffers of the operating system for all events together. */
const EVENT_BYTES = 8_000;
const MIB = 1_048_576;

describe('A slow reader of the stream', function () {
  this.timeout(60_000);
  let database: Database;
  let feed: Feed;
  let server: Server;
  let port: number;
  /** The bytes that the server has written to the connection of the last reader. */
  let written: number;
  let isClosed: boolean;

  before(async () => {
    const url = await createMigratedDatabase();
    database = openDatabase(url, () => undefined);
    const none = async () => new Map();
    const resources: Resources = {
      messages: none,
      conversations: none,
      participants: none,
      endpoints: none,
      quarantined: none,
      suppressionChanges: none,
    };
    const events = createEvents(createLogger('silent'));
    feed = new Feed({ pool: database.pool, listenUrl: url, resources, events });
    server = createServer((_request, response) => {
      written = 0;
      isClosed = false;
      response.once('close', () => {
        isClosed = true;
      });
      const items = feed.stream(0, { types: [], conversationIds: [] }, closeSignalOf(response));
      const texts = async function* () {
        for await (const item of items) {
          const text = toServerSentEvents(item);
          written += text.length;
          yield text;
        }
      };
      sendStream(response, texts(), 300).catch(() => undefined);
    });
    port = await listen(server);
    await append(EVENTS);
  });
  after(async () => {
    await feed?.stop();
    server?.closeAllConnections();
    await database?.close();
  });

  const append = async (count: number) => {
    await database.pool.query(
      `insert into event_inbox (type, changes)
       select 'provider.unavailable', jsonb_build_object('provider', repeat('x', $2)) from generate_series(1, $1)`,
      [count, EVENT_BYTES],
    );
    for (let moved = 0; moved < count; ) {
      const { rows } = await database.pool.query(
        `select moved from ${storedFunction('sequence_events')}(1000)`,
      );
      moved += rows[0].moved;
    }
  };

  it('is disconnected when it does not read, and the server holds little of the feed for it', async () => {
    const socket = connect(port, '127.0.0.1').pause();
    await once(socket, 'connect');
    socket.write('GET / HTTP/1.1\r\nhost: feed\r\n\r\n');
    await until(() => isClosed, 'the connection is closed');
    expect(written).to.be.within(1, (EVENTS * EVENT_BYTES) / 2);
    socket.destroy();
  });

  it('gets every event in order if it reads', async () => {
    const stopping = new AbortController();
    const response = await fetch(`http://127.0.0.1:${port}`, { signal: stopping.signal });
    const ids: number[] = [];
    let chunk = 0;
    for await (const { event, id, data = '' } of readFrames(response)) {
      if (event !== undefined) ids.push(id);
      chunk = Math.max(chunk, data.length);
      if (id === EVENTS) break;
    }
    stopping.abort();
    expect(ids).to.deep.equal(Array.from({ length: EVENTS }, (_, index) => index + 1));
    expect(chunk).to.be.within(EVENT_BYTES, MIB);
  });
});
