import { expect } from 'chai';
import { storedFunction } from '../../src/db/functions.ts';
import { type Database, openDatabase } from '../../src/db/pools.ts';
import { Feed } from '../../src/feed/feed.ts';
import { createEvents } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import type { Schema } from '../../src/openapi/types.ts';
import { createMigratedDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

const ALL = { types: [], conversationIds: [] };
const EVENTS = 40;

describe('A list of large events', () => {
  let database: Database;
  let feed: Feed;
  let rendering = 0;
  let most = 0;
  /** Whether the first page waits for a second. */
  let isHeld = false;

  const messages = async (ids: number[]) => {
    most = Math.max(most, ++rendering);
    if (isHeld) await until(() => most >= 2, 'two pages are rendered');
    rendering--;
    const created_at = new Date().toISOString();
    return new Map(
      ids.map((id) => [id, { id, created_at, body: 'x'.repeat(30_000) } as unknown as Schema<'Message'>]),
    );
  };

  before(async () => {
    const url = await createMigratedDatabase();
    database = openDatabase(url, () => undefined);
    const none = async () => new Map();
    feed = new Feed({
      ...{ pool: database.pool, listenUrl: url, events: createEvents(createLogger('silent')) },
      resources: {
        messages,
        conversations: none,
        participants: none,
        endpoints: none,
        quarantined: none,
        suppressionChanges: none,
      },
    });
    const { pool } = database;
    await pool.query(
      `insert into event_inbox (type, subject_id) select 'message.received', n from generate_series(1, $1) as n`,
      [EVENTS],
    );
    await pool.query(`select ${storedFunction('sequence_events')}(1000)`);
  });
  after(async () => {
    await feed?.stop();
    await database?.close();
  });

  it('reserves its bytes before it is written', async () => {
    const reserved: number[] = [];
    const reserve = async (bytes: number) => void reserved.push(bytes);
    expect((await feed.list(0, ALL, 5, reserve)).data).to.have.length(5);
    expect(reserved).to.deep.equal([]);
    const { data } = await feed.list(0, ALL, EVENTS, reserve);
    expect(reserved).to.deep.equal([Buffer.byteLength(JSON.stringify(data))]);
  });

  it('is rendered for two requests at once', async () => {
    [most, isHeld] = [0, true];
    await Promise.all(Array.from({ length: 8 }, () => feed.list(0, ALL, EVENTS)));
    expect(most).to.equal(2);
  });
});
