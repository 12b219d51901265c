import { expect } from 'chai';
import pg from 'pg';
import { storedFunction } from '../../src/db/functions.ts';
import { type Database, openDatabase } from '../../src/db/pools.ts';
import { Feed } from '../../src/feed/feed.ts';
import { readEvents } from '../../src/feed/read.ts';
import { expireEvents } from '../../src/feed/retention.ts';
import { createEvents } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createMigratedDatabase, query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { until } from '../support/until.ts';

const DAYS = 30;
const ALL = { types: [], conversationIds: [] };
const APPEND = `
  insert into event_inbox (type, changes)
  select 'provider.recovered', '{"name": "text-co", "channel": "sms", "error": null}' from generate_series(1, $1)`;

describe('The retention of events', () => {
  let url: string;
  let database: Database;
  let feed: Feed;

  beforeEach(async () => {
    url = await createMigratedDatabase();
    database = openDatabase(url, () => undefined);
    const none = async () => new Map();
    feed = new Feed({
      ...{ pool: database.pool, listenUrl: url, events: createEvents(createLogger('silent')) },
      resources: {
        messages: none,
        conversations: none,
        participants: none,
        endpoints: none,
        quarantined: none,
        suppressionChanges: none,
      },
    });
  });
  afterEach(async () => {
    await feed.stop();
    await database.close();
  });

  const run = (text: string, values: unknown[] = []) => database.pool.query(text, values);
  const append = async (count: number) => {
    await run(APPEND, [count]);
    await run(`select ${storedFunction('sequence_events')}($1)`, [count]);
  };
  const age = (condition: string, days: number) =>
    run(`update events set created_at = now() - $1 * interval '1 day' where ${condition}`, [days]);
  /** Continues at the first position of the second partition. */
  const beginPartition = () => run('update feed_state set last_position = 999999');
  const expire = () => expireEvents(database.pool, DAYS);
  const partitions = async () =>
    (
      await run(
        `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'events'::regclass`,
      )
    ).rows.map(({ name }) => name);
  const ids = async () => (await run('select id::int from events order by id')).rows.map(({ id }) => id);

  it('drops a partition while a list and a stream read, which continue after it', async () => {
    await append(1_000);
    await beginPartition();
    await append(10);
    await age('id < 1000000', DAYS + 1);
    const stopping = new AbortController();
    const stream = feed.stream(0, ALL, stopping.signal);
    const next = async () => (await stream.next()).value;
    expect(await next()).to.include({ type: 'idle', position: 0 });
    expect(await next()).to.include({ type: 'events', position: 100 });
    const page = await feed.list(100, ALL, 100);
    expect(page.position).to.equal(200);

    let dropped = false;
    const readers = Array.from({ length: 4 }, async () => {
      let pages = 0;
      while (!dropped || pages === 0) {
        const { data } = await feed.list(0, ALL, 50);
        expect(data[0]?.id).to.be.oneOf([1, 1_000_000]);
        pages++;
      }
    });
    await until(expire, 'the partition is dropped');
    dropped = true;
    await Promise.all(readers);
    expect(await partitions()).to.deep.equal(['events_1']);
    expect(await expire()).to.equal(false);

    expect(await next()).to.include({ type: 'resync', position: 999_999 });
    const rest = await next();
    expect(rest).to.include({ type: 'events', position: 1_000_009 });
    stopping.abort();
    const expired = await feed.list(page.position, ALL).catch((error) => error);
    expect(expired).to.include({ code: 'position_expired', position: 999_999 });
    expect((await feed.list(999_999, ALL)).data).to.have.length(10);
    await append(1);
    expect(await partitions()).to.deep.equal(['events_1']);
  });

  it('drops no partition while a transaction reads events for long, and lets other readers read', async () => {
    await append(1);
    await beginPartition();
    await append(1);
    await age('id = 1', DAYS + 1);
    const reader = new pg.Client({ connectionString: url });
    await reader.connect();
    await reader.query('begin; select from events');
    const expiring = expire();
    expect((await feed.list(0, ALL)).data).to.have.length(2);
    expect(await expiring).to.equal(false);
    expect(await ids()).to.deep.equal([1, 1_000_000]);
    await reader.end();
    await until(expire, 'the partition is dropped');
    expect(await ids()).to.deep.equal([1_000_000]);
  });

  it('deletes the events of a partition that spans more than a day', async () => {
    await append(5);
    await age('id in (1, 2, 4)', DAYS + 1);
    expect(await expire()).to.equal(false);
    expect(await ids()).to.deep.equal([3, 4, 5]);
    await age('id = 3', DAYS + 1);
    await expire();
    expect(await ids()).to.deep.equal([5]);
    await beginPartition();
    await append(1);
    await age('id = 5', DAYS - 2);
    await run(
      `insert into events (id, type, created_at) values (1, 'provider.recovered', now() - $1 * interval '1 day')`,
      [DAYS + 1],
    );
    await expire();
    expect(await ids()).to.deep.equal([5, 1_000_000]);
  });

  it('leaves the events of a complete partition that will be dropped within a day', async () => {
    await append(3);
    await beginPartition();
    await append(1);
    await age('id < 3', DAYS + 0.5);
    await age('id = 3', DAYS - 0.5);
    expect(await expire()).to.equal(false);
    expect(await ids()).to.deep.equal([1, 2, 3, 1_000_000]);
  });

  it('deletes the deliveries and attempts of removed events with them', async () => {
    await append(4);
    await run(`
      insert into endpoints (url, secret, position) values ('https://a.example', 's', 4), ('https://b.example', 's', 2);
      insert into endpoint_deliveries (endpoint_id, event_id) select endpoints.id, events.id from endpoints, events;
      insert into endpoint_attempts (endpoint_id, event_id, number, started_at, outcome)
      select endpoint_id, event_id, 1, now(), 'succeeded' from endpoint_deliveries`);
    await age('id < 3', DAYS + 1);
    while (await expire());
    for (const table of ['endpoint_deliveries', 'endpoint_attempts']) {
      const { rows } = await run(`select event_id::int as id from ${table} order by endpoint_id, event_id`);
      expect(
        rows.map(({ id }) => id),
        table,
      ).to.deep.equal([3, 4, 3, 4]);
    }
  });

  it('is reported to a reader whose next events are removed while it reads', async () => {
    await append(10);
    const query = async (...request: Parameters<typeof run>) => {
      const result = await database.pool.query(...request);
      await run('delete from events where id <= 5');
      return result;
    };
    for (const filter of [ALL, { types: [], conversationIds: [7] }]) {
      await run('update events set conversation_id = 7');
      const reading = readEvents({ query } as unknown as pg.Pool, 4, filter, 3);
      const error = await reading.catch((reason) => reason);
      expect(error).to.include({ code: 'position_expired', position: 5 });
      await run(
        'insert into events (id, type, created_at) select n, $1, now() from generate_series(1, 5) as n',
        ['message.sent'],
      );
    }
  });

  it('is the work of one transaction at a time', async () => {
    await append(1);
    await age('id = 1', DAYS + 1);
    const other = new pg.Client({ connectionString: url });
    await other.connect();
    await other.query(`begin; select ${storedFunction('expire_events')}('1000 days', 1)`);
    expect(await expire()).to.equal(false);
    expect(await ids()).to.deep.equal([1]);
    await other.end();
    await until(async () => {
      await expire();
      return (await ids()).length === 0;
    }, 'the event is removed');
    expect((await feed.list(1, ALL)).data).to.deep.equal([]);
    const expired = await feed.list(0, ALL);
    expect(expired.position).to.equal(1);
  });
});

describe('EVENT_RETENTION_DAYS', () => {
  let api: Harness;
  let worker: Harness | undefined;
  afterEach(async () => {
    await worker?.stop();
    await api.stop();
  });

  it('is the age at which a worker removes events', async () => {
    api = await startHarness({ ROLE: 'api' });
    const { databaseUrl } = api;
    await query(databaseUrl, APPEND, [3]);
    await until(async () => (await query(databaseUrl, 'select from events')).length === 3, 'three events');
    await query(databaseUrl, `update events set created_at = now() - interval '47 hours' where id < 3`);
    await query(databaseUrl, `update events set created_at = now() - interval '49 hours' where id = 1`);
    worker = await startHarness({ DATABASE_URL: databaseUrl, EVENT_RETENTION_DAYS: '2' });
    const { body } = await until(async () => {
      const answer = await api.request('GET', '/api/events?after=0');
      return answer.body.data.length === 2 && answer;
    }, 'the oldest event is removed');
    expect(body.data.map(({ id }: { id: number }) => id)).to.deep.equal([2, 3]);
  });
});
