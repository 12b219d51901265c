import { expect } from 'chai';
import pg from 'pg';
import { storedFunction } from '../../../src/db/functions.ts';
import { createMigratedDatabase } from '../../support/database.ts';

interface Dispatched {
  is_used: boolean;
  is_behind: boolean;
  last_id: number | null;
  full_ids: string[];
  dispatched: number;
}

describe('The dispatch of events to endpoints', () => {
  let client: pg.Client;
  let other: pg.Client;
  beforeEach(async () => {
    const url = await createMigratedDatabase();
    [client, other] = [1, 2].map(() => new pg.Client({ connectionString: url })) as [pg.Client, pg.Client];
    for (const each of [client, other]) await each.connect();
  });
  afterEach(async () => {
    for (const each of [client, other]) await each.end();
  });

  /** Adds events, whose positions follow the last position. */
  const addEvents = async (...types: string[]) => {
    await client.query(
      `select ${storedFunction('append_events')}($1, array_fill(1::bigint, array[cardinality($1::text[])]), null)`,
      [types],
    );
    await client.query(`select ${storedFunction('sequence_events')}(1000)`);
  };
  const addEndpoint = async (types: string[] = []): Promise<number> => {
    const { rows } = await client.query(
      `insert into endpoints (url, event_types, secret, position)
       select 'https://receiver.invalid', $1, 'secret', last_position from feed_state returning id`,
      [types],
    );
    return rows[0].id;
  };
  const dispatch = async ({
    after = 0,
    batch = 100,
    each = 100,
    max = 100,
    full = [] as number[],
    by = client,
  } = {}) => {
    const text = `select * from ${storedFunction('dispatch_events')}($1, $2, $3, $4, $5)`;
    return (await by.query(text, [after, batch, each, max, full])).rows[0] as Dispatched;
  };
  const deliveries = async (endpoint: number): Promise<number[]> => {
    const { rows } = await client.query(
      'select event_id from endpoint_deliveries where endpoint_id = $1 order by event_id',
      [endpoint],
    );
    return rows.map(({ event_id }) => event_id);
  };
  const positionOf = async (endpoint: number): Promise<number> =>
    (await client.query('select position from endpoints where id = $1', [endpoint])).rows[0].position;

  it('makes the deliveries of matching events once, and moves the position over the others', async () => {
    expect(await dispatch()).to.include({ is_used: false, is_behind: false });
    const [all, sent] = [await addEndpoint(), await addEndpoint(['message.sent'])];
    await addEvents('message.queued', 'message.sent', 'message.delivered');
    expect(await dispatch()).to.deep.equal({
      ...{ is_used: true, is_behind: false, last_id: null, full_ids: [], dispatched: 4 },
    });
    expect([await deliveries(all), await deliveries(sent)]).to.deep.equal([[1, 2, 3], [2]]);
    expect([await positionOf(all), await positionOf(sent)]).to.deep.equal([3, 3]);
    expect((await dispatch()).dispatched).to.equal(0);
  });

  it('gives each endpoint some deliveries before an endpoint gets further ones', async () => {
    const ids = [await addEndpoint(), await addEndpoint(), await addEndpoint()];
    await addEvents(...Array.from({ length: 7 }, () => 'message.sent'));
    const limits = { batch: 6, each: 3 };
    const first = await dispatch(limits);
    expect(first).to.include({ is_behind: true, last_id: ids[1], dispatched: 6 });
    const second = await dispatch({ ...limits, after: first.last_id ?? 0 });
    expect(second).to.include({ is_behind: true, last_id: null, dispatched: 3 });
    for (const id of ids) expect(await deliveries(id)).to.deep.equal([1, 2, 3]);
  });

  it('keeps a limit of pending deliveries for each endpoint', async () => {
    const id = await addEndpoint();
    await addEvents(...Array.from({ length: 5 }, () => 'message.sent'));
    expect(await dispatch({ max: 3 })).to.include({ dispatched: 3, is_behind: true });
    expect(await dispatch({ max: 3 })).to.deep.include({
      dispatched: 0,
      is_behind: false,
      full_ids: [`${id}`],
    });
    await client.query(
      `update endpoint_deliveries set status = 'delivered', next_attempt_at = null where event_id = 1`,
    );
    expect(await dispatch({ max: 3, full: [id] })).to.include({ dispatched: 0, is_behind: false });
    expect(await dispatch({ max: 3 })).to.include({ dispatched: 1 });
    expect(await deliveries(id)).to.deep.equal([1, 2, 3, 4]);
  });

  it('skips an endpoint whose deliveries another process makes', async () => {
    const [locked, free] = [await addEndpoint(), await addEndpoint()];
    await addEvents('message.sent');
    await other.query('begin');
    await other.query('select from endpoints where id = $1 for no key update', [locked]);
    expect(await dispatch()).to.include({ dispatched: 1, is_behind: true });
    expect([await deliveries(locked), await deliveries(free)]).to.deep.equal([[], [1]]);
    await other.query('rollback');
    expect(await dispatch()).to.include({ dispatched: 1, is_behind: false });
  });

  it('begins a new schedule for the events of a replay, except for events that are being tried', async () => {
    const id = await addEndpoint();
    await addEvents('message.sent', 'message.sent', 'message.sent', 'message.sent');
    await dispatch();
    await client.query(`update endpoint_deliveries set attempt_count = 4, status = 'delivered', next_attempt_at = null
      where event_id = 2`);
    await client.query(`update endpoint_deliveries set attempt_count = 9, next_attempt_at = now() + interval '1 day'
      where event_id = 3`);
    await client.query(
      `update endpoint_deliveries set attempt_count = 2, lease = gen_random_uuid() where event_id = 4`,
    );
    await client.query('update endpoints set position = 1');
    await dispatch();
    const { rows } = await client.query(
      `select event_id, status, schedule_start, next_attempt_at <= now() as is_due, lease is null as is_free
       from endpoint_deliveries where endpoint_id = $1 order by event_id`,
      [id],
    );
    expect(rows.map((row) => Object.values(row))).to.deep.equal([
      [1, 'pending', 0, true, true],
      [2, 'pending', 4, true, true],
      [3, 'pending', 9, true, true],
      [4, 'pending', 0, true, false],
    ]);
  });

  it('continues at the first event that is kept', async () => {
    const id = await addEndpoint();
    await addEvents('message.sent', 'message.sent', 'message.sent');
    await client.query('delete from events where id <= 2');
    await dispatch();
    expect([await deliveries(id), await positionOf(id)]).to.deep.equal([[3], 3]);
  });
});
