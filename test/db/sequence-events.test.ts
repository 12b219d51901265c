import { expect } from 'chai';
import pg from 'pg';
import { storedFunction } from '../../src/db/functions.ts';
import { createMigratedDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

const APPEND = `select ${storedFunction('append_events')}(array['message.queued'], array[$1::bigint], array[1::bigint])`;
const SEQUENCE = `select * from ${storedFunction('sequence_events')}($1)`;

describe('sequence_events', () => {
  let clients: pg.Client[];
  let url: string;

  beforeEach(async () => {
    url = await createMigratedDatabase();
    clients = [];
  });
  afterEach(() => Promise.all(clients.map((client) => client.end())));

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    clients.push(client);
    return client;
  }
  const subjects = async (client: pg.Client, after = 0) =>
    (
      await client.query('select id::int, subject_id::int from events where id > $1 order by id', [after])
    ).rows.map(({ id, subject_id }) => [id, subject_id]);
  const state = async (client: pg.Client) =>
    (await client.query('select last_position::int, inbox_floor::int, inbox_gaps from feed_state')).rows[0];
  const sequence = async (client: pg.Client, batch = 1_000) =>
    (await client.query(SEQUENCE, [batch])).rows[0];
  /** Moves events until these gaps remain. Transactions of every database of the server keep a gap open. */
  const untilGaps = (client: pg.Client, gaps: string) =>
    until(async () => {
      await sequence(client);
      return (await state(client)).inbox_gaps === gaps;
    }, `the gaps are ${gaps}`);

  it('gives an event that commits late a position above all earlier positions', async () => {
    const [early, late, reader] = [await connect(), await connect(), await connect()];
    await late.query('begin');
    await late.query(APPEND, [1]);
    await early.query(APPEND, [2]);
    expect((await sequence(reader)).moved).to.equal(1);
    expect(await subjects(reader)).to.deep.equal([[1, 2]]);
    await early.query(APPEND, [3]);
    await sequence(reader);
    await late.query('commit');
    await sequence(reader);
    expect(await subjects(reader)).to.deep.equal([
      [1, 2],
      [2, 3],
      [3, 1],
    ]);
  });

  it('moves every event once, in batches, with concurrent writers and movers', async () => {
    const [reader, ...others] = await Promise.all(Array.from({ length: 9 }, connect));
    const [writers, movers] = [others.slice(0, 6), others.slice(6)];
    let writing = true;
    const write = async (writer: pg.Client, index: number) => {
      for (let n = 0; n < 100; n++) {
        await writer.query('begin');
        await writer.query(APPEND, [index * 1_000 + n]);
        await writer.query(n % 10 === 9 ? 'rollback' : 'commit');
      }
    };
    const move = async (mover: pg.Client) => {
      while (writing) await sequence(mover, 7);
    };
    const seen: number[][] = [];
    const read = async () => {
      while (writing) seen.push(...(await subjects(reader as pg.Client, seen.at(-1)?.[0] ?? 0)));
    };
    await Promise.all([
      Promise.all(writers.map(write)).finally(() => (writing = false)),
      ...movers.map(move),
      read(),
    ]);
    while ((await sequence(reader as pg.Client)).moved > 0);
    seen.push(...(await subjects(reader as pg.Client, seen.at(-1)?.[0] ?? 0)));
    expect(seen.map(([id]) => id)).to.deep.equal(Array.from({ length: 540 }, (_, index) => index + 1));
    expect(new Set(seen.map(([, subject]) => subject)).size).to.equal(540);
    const own = seen.map(([, subject]) => subject as number).filter((subject) => subject < 1_000);
    expect(own).to.deep.equal([...own].sort((a, b) => a - b));
  });

  it('does not scan the events that were moved while an old transaction keeps them', async () => {
    const [old, writer] = [await connect(), await connect()];
    await old.query('begin; select pg_current_xact_id()');
    for (let n = 0; n < 5; n++) {
      await writer.query(APPEND, [n]);
      await sequence(writer);
    }
    expect(await state(writer)).to.deep.equal({ last_position: 5, inbox_floor: 5, inbox_gaps: '{}' });
  });

  it('finds an event that commits after thousands of later events, and forgets an event that was rolled back', async () => {
    const [old, late, lost, writer] = [await connect(), await connect(), await connect(), await connect()];
    await old.query('begin; select pg_current_xact_id()');
    await lost.query('begin');
    await lost.query(APPEND, [1]);
    await late.query('begin');
    await late.query(APPEND, [2]);
    const { rows } = await writer.query(
      `select count(${APPEND.slice('select '.length).replace('$1', 'n')}) from generate_series(3, 2500) as n`,
    );
    expect(rows[0].count).to.equal(2_498);
    await lost.query('rollback');
    while ((await sequence(writer)).moved > 0);
    await sequence(writer);
    expect(await state(writer)).to.deep.equal({
      last_position: 2_498,
      inbox_floor: 2_500,
      inbox_gaps: '{[1,3)}',
    });
    await late.query('commit');
    expect((await sequence(writer)).moved).to.equal(1);
    expect(await subjects(writer, 2_498)).to.deep.equal([[2_499, 2]]);
    expect((await state(writer)).inbox_gaps).to.equal('{[1,2)}');
    await old.query('commit');
    await untilGaps(writer, '{}');
  });

  it('keeps a gap while a transaction that began later is open', async () => {
    const [first, second, writer] = [await connect(), await connect(), await connect()];
    await first.query('begin');
    await first.query(APPEND, [1]);
    await writer.query(APPEND, [2]);
    await sequence(writer);
    await second.query('begin');
    await second.query(APPEND, [3]);
    await writer.query(APPEND, [4]);
    await sequence(writer);
    await first.query('commit');
    await untilGaps(writer, '{[3,4)}');
    for (let n = 0; n < 3; n++) await sequence(writer);
    expect((await state(writer)).inbox_gaps).to.equal('{[3,4)}');
    await second.query('commit');
    await untilGaps(writer, '{}');
    expect((await subjects(writer)).map(([, subject]) => subject)).to.deep.equal([2, 4, 1, 3]);
  });

  it('merges many gaps into one', async () => {
    const [late, writer] = [await connect(), await connect()];
    await late.query('begin');
    await late.query(APPEND, [1]);
    await writer.query(`
      insert into event_inbox (type, subject_id) select 'message.queued', nextval('event_inbox_id_seq')
      from generate_series(1, 1500)`);
    while ((await sequence(writer)).moved > 0);
    expect((await state(writer)).inbox_gaps).to.match(/^\{\[1,\d+\)\}$/);
    await late.query('commit');
    await sequence(writer);
    expect(await subjects(writer, 1_500)).to.deep.equal([[1_501, 1]]);
    await untilGaps(writer, '{}');
  });

  it('creates partitions before they are needed', async () => {
    const client = await connect();
    await client.query('update feed_state set last_position = 999999');
    await client.query(APPEND, [1]);
    await client.query(APPEND, [2]);
    await sequence(client);
    expect(await subjects(client)).to.deep.equal([
      [1_000_000, 1],
      [1_000_001, 2],
    ]);
    // Another version of the functions finds them, and they stay when the functions are dropped.
    const tables = await client.query(
      `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'events'::regclass`,
    );
    expect(tables.rows).to.deep.equal([{ name: 'events_1' }]);
  });
});
