import { expect } from 'chai';
import { storedFunction } from '../../src/db/functions.ts';
import { listenTo } from '../../src/db/listen.ts';
import { type Database, openDatabase } from '../../src/db/pools.ts';
import type { EventRow } from '../../src/feed/event.ts';
import { Tail } from '../../src/feed/tail.ts';
import { createEvents } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createMigratedDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

describe('The tail of the feed', () => {
  let database: Database;
  let listenUrl: string;
  let tail: Tail;
  /** Whether the resource of an event exists. */
  let exists: (id: number) => boolean;
  /** Called with the events of each batch. */
  let onRender: (rows: EventRow[]) => void;

  beforeEach(async () => {
    listenUrl = await createMigratedDatabase();
    database = openDatabase(listenUrl, () => undefined);
    exists = () => true;
    onRender = () => undefined;
    tail = new Tail({
      ...{ pool: database.pool, listenUrl, events: createEvents(createLogger('silent')) },
      render: async (rows: EventRow[]) => {
        onRender(rows);
        return rows
          .filter(({ id }) => exists(id))
          .map(({ id, type }) => ({ id, type, conversationId: null, text: 'x'.repeat(1_000) }));
      },
    });
  });
  afterEach(async () => {
    await tail.stop();
    await database.close();
  });

  const append = async (count: number) => {
    const { pool } = database;
    await pool.query(`insert into event_inbox (type) select 'message.sent' from generate_series(1, $1)`, [
      count,
    ]);
    for (let moved = 0; moved < count; ) {
      const { rows } = await pool.query(`select moved from ${storedFunction('sequence_events')}(1000)`);
      moved += rows[0].moved;
    }
  };
  const read = (position: number) => until(() => tail.position === position, `position ${position}`);
  const idsAfter = (position: number) => tail.after(position)?.map(({ id }) => id) ?? null;

  it('finds the events after each position if some were omitted', async () => {
    exists = (id) => (id > 500 && id % 3 === 0) || (id > 520 && id < 530);
    await append(510);
    await database.pool.query('delete from events where id <= 500');
    await tail.start();
    await append(50);
    await read(560);
    for (let position = 510; position <= 560; position++) {
      const expected = Array.from({ length: 560 }, (_, index) => index + 1).filter(
        (id) => id > position && exists(id),
      );
      expect(idsAfter(position), `after ${position}`).to.deep.equal(expected);
    }
    expect(idsAfter(499)).to.equal(null);
  });

  it('moves on if all new events were omitted', async () => {
    exists = () => false;
    await tail.start();
    const waiting = tail.wait(60_000, new AbortController().signal);
    await append(3);
    await waiting;
    await read(3);
    expect(idsAfter(0)).to.deep.equal([]);
    exists = () => true;
    await append(1);
    await read(4);
    for (const position of [0, 1, 2, 3]) expect(idsAfter(position)).to.deep.equal([4]);
  });

  it('does not contain the events after a position whose next events were dropped from the full buffer', async () => {
    exists = (id) => id % 2 === 0;
    await tail.start();
    await append(12_000);
    await read(12_000);
    const [first] = tail.after(12_000 - 2 * 5_000) ?? [];
    expect(first?.id).to.equal(2_002);
    expect(idsAfter(1_999)).to.equal(null);
    expect(idsAfter(2_000)).to.have.length(5_000);
    expect(idsAfter(2_001)).to.have.length(5_000);
  });

  it('contains each event once after a start that failed', async () => {
    await append(450);
    onRender = (rows) => {
      if (rows.some(({ id }) => id === 450)) throw new Error('The database is not available.');
    };
    const failure = await tail.start().catch((error) => error);
    expect(failure).to.be.an('error');
    onRender = () => undefined;
    await tail.start();
    expect(idsAfter(0)).to.deep.equal(Array.from({ length: 450 }, (_, index) => index + 1));
  });

  it('does not connect after a stop during the start', async () => {
    await append(1);
    onRender = () => void tail.stop();
    await tail.start();
    // A connection of the tail would be older than these connections.
    for (let index = 0; index < 5; index++) {
      const connected = Promise.withResolvers<void>();
      const other = listenTo(listenUrl, { other: connected.resolve }, connected.reject);
      await connected.promise;
      await other.stop();
    }
    const { rows } = await database.pool.query(
      `select from pg_stat_activity
       where datname = current_database() and application_name = 'messaging-service-listener' and query = 'listen feed'`,
    );
    expect(rows).to.have.length(0);
  });
});
