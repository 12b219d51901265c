import { expect } from 'chai';
import pg from 'pg';
import type { Conversation } from '../../../sdk/src/index.ts';
import { storedFunction } from '../../../src/db/functions.ts';
import { inboundSms, sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { until } from '../../support/until.ts';

/** Maximum number of conversations per step of the regrouping. */
const BATCH = 100;
/** The smallest step. */
const MIN_BATCH = 10;
let received = 0;

describe('Linking people with many conversations', function () {
  this.timeout(120_000);
  let service: Harness;
  beforeEach(async () => {
    service = await startHarness({ ROLE: 'api' });
  });
  afterEach(() => service.stop());

  const sql = <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
    query<Row>(service.databaseUrl, text, values);
  /** A busy machine needs longer than one request waits; a repeated request waits for the rest. */
  const link = (method: 'PUT' | 'DELETE', one: number, other: number) =>
    until(async () => {
      const response = await service.request(method, `/api/participants/${one}/links/${other}`);
      return response.status !== 503 && response;
    }, 'the conversations are regrouped');

  /**
   * Inserts `count` conversations of this address, each with one message and with a different customer. The phone numbers
   * of the customers start at `first`.
   */
  async function fill(address: string, count: number, first: number): Promise<number> {
    await sql(
      `with own as (
         insert into participants (address, address_type) values ($1, 'phone') on conflict (address) do update set name = null returning id
       ), customer as (
         insert into participants (address, address_type) select '+1' || n, 'phone' from generate_series($3::bigint, $3::bigint + $2 - 1) as n
         on conflict (address) do update set name = null returning id
       ), made as (
         insert into conversations (channel, participant_ids, message_count)
         select 'sms', array[least(own.id, customer.id), greatest(own.id, customer.id)], 1 from own, customer order by customer.id
         returning id, participant_ids
       ), filled as (
         insert into conversation_participants select id, unnest(participant_ids) from made
       )
       insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata, "timestamp")
       select made.id, own.id, 'outbound', 'sms', $1, '{}', 'x', '{}', '{}', now() from made, own`,
      [address, count, first],
    );
    return idOf(address);
  }

  async function idOf(address: string): Promise<number> {
    const [row] = await sql<{ id: string }>('select id from participants where address = $1', [address]);
    return Number(row?.id);
  }

  /** Links two participants without regrouping, like a process that dies right after the commit of the link. */
  async function linkOnly(one: number, other: number): Promise<void> {
    await sql(
      'insert into participant_links (participant_id, other_id) values (least($1::int, $2), greatest($1::int, $2))',
      [one, other],
    );
    await sql('update participants set person_id = least($1::int, $2) where id = greatest($1::int, $2)', [
      one,
      other,
    ]);
    await sql('insert into pending_regroupings (participant_id) values (greatest($1::int, $2))', [
      one,
      other,
    ]);
  }

  it('merges all conversations, at most 100 per transaction', async () => {
    const one = await fill('+12016660001', 3_000, 8_040_000_000);
    const other = await fill('+12016660002', 3_000, 8_040_000_000);
    await sql('analyze');
    expect((await link('PUT', one, other)).status).to.equal(200);
    const [merged] = await sql(
      'select count(*)::int as n from conversations where merged_into_id is not null',
    );
    expect(merged).to.deep.equal({ n: 3_000 });
    const steps = await sql<{ n: number }>(
      `select count(*)::int as n from conversations where people_ids is not null group by xmin::text`,
    );
    expect(Math.max(...steps.map(({ n }) => n))).to.be.at.most(BATCH);
    expect(await sql('select from pending_regroupings')).to.have.length(0);
    const shown: Conversation = (await service.request('GET', '/api/conversations/1')).body;
    expect(shown).to.deep.include({ message_count: 2, merged_ids: [3_001] });

    expect((await link('DELETE', one, other)).status).to.equal(200);
    expect(await sql('select from conversations where merged_into_id is not null')).to.have.length(0);
    expect(await sql('select from conversations where people_ids is not null')).to.have.length(0);
  });

  it('costs no more in a database with many unrelated conversations', async () => {
    // The service would regroup in the background.
    await service.service.stop();
    // Measures the second step of a connection, because the first step also reads the system catalogue.
    const pagesOfStep = async () => {
      const client = new pg.Client({ connectionString: service.databaseUrl });
      await client.connect();
      await client.query('begin');
      await client.query(`select ${storedFunction('continue_regrouping')}($1, null)`, [MIN_BATCH]);
      await client.query('rollback');
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(
        `explain (analyze, buffers, timing off, summary off) select ${storedFunction('continue_regrouping')}($1, null)`,
        [MIN_BATCH],
      );
      await client.end();
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      return Number(/Buffers: shared hit=(\d+)/.exec(plan)?.[1]);
    };
    const [shop, alias] = [
      await fill('+12016660001', 1_000, 8_040_000_000),
      await fill('+12016660002', 200, 8_040_000_000),
    ];
    // Person 10 has 400 addresses; the shop has two.
    await sql(`update participants set person_id = 10 where id between 11 and 409`);
    await sql('insert into pending_regroupings select generate_series(11, 409)');
    await sql(`select ${storedFunction('continue_regrouping')}(1000, null)`);
    await linkOnly(shop, alias);
    await sql('vacuum analyze');
    const before = await pagesOfStep();
    expect(before).to.be.greaterThan(0);
    await fill('+12016660009', 47_000, 9_040_000_000);
    await sql('vacuum analyze');
    // Deeper indexes cost a few pages per conversation. A scan of an index would cost thousands of pages per conversation.
    expect(await pagesOfStep()).to.be.at.most(before + 100 * MIN_BATCH);
  });

  /**
   * Inserts participant 1 and two people with `count` addresses each: person 2 and person `count + 2`. Every address of
   * person 2 has a conversation with every address of person `count + 2`. Participant 1 has one conversation with the
   * latter.
   */
  async function fillGroup(count: number): Promise<void> {
    await sql(
      `insert into participants (address, address_type) select '+1804' || (1000000 + n), 'phone' from generate_series(1, 2 * $1::int + 1) as n`,
      [count],
    );
    await sql('update participants set person_id = 2 where id between 3 and $1::int + 1', [count]);
    await sql('update participants set person_id = $1::int + 2 where id > $1::int + 2', [count]);
    await sql(
      `with made as (
         insert into conversations (channel, participant_ids) select 'sms', array[1, $1::bigint + 2]
         union all
         select 'sms', array[one, other]
         from generate_series(2, $1::int + 1) as one, generate_series($1::int + 2, 2 * $1::int + 1) as other
         returning id, participant_ids
       )
       insert into conversation_participants select id, unnest(participant_ids) from made`,
      [count],
    );
    await sql('insert into pending_regroupings (participant_id) select id from participants');
    await regroup();
    await sql('vacuum analyze');
  }

  async function regroup(): Promise<void> {
    for (let left = true; left; ) {
      const [row] = await sql<{ left: boolean }>(
        `select ${storedFunction('continue_regrouping')}(100, null) as left`,
      );
      left = row?.left ?? false;
    }
  }

  /** Returns how many row versions of `conversations` the function `work` writes. */
  async function countUpdates(work: () => Promise<unknown>): Promise<number> {
    await sql(`create table updates as select 0 as n;
      create function count_update() returns trigger language plpgsql as $$
      begin update updates set n = n + (select count(*) from changed); return null; end $$;
      create trigger count_updates after update on conversations referencing new table as changed
      for each statement execute function count_update()`);
    await work();
    const [row] = await sql<{ n: number }>('select n from updates');
    await sql('drop trigger count_updates on conversations; drop function count_update; drop table updates');
    return row?.n ?? 0;
  }

  it('writes each conversation of a group of 900 at most twice', async () => {
    await service.service.stop();
    const [count, size] = [30, 900];
    await fillGroup(count);
    const merged = () =>
      sql(
        `select merged_into_id::int as id, count(*)::int as n from conversations where merged_into_id is not null group by 1 order by 1`,
      );
    expect(await merged()).to.deep.equal([{ id: 2, n: size - 1 }]);
    const linking = await countUpdates(async () => {
      await sql('update participants set person_id = 1 where id between 2 and $1::int + 1', [count]);
      await sql('insert into pending_regroupings select generate_series(2, $1::int + 1)', [count]);
      await regroup();
    });
    expect(await merged()).to.deep.equal([{ id: 1, n: size }]);
    // Two writes per conversation (its people and its primary conversation), and one of the primary conversation per step.
    expect(linking).to.be.at.most(2 * size + 100);
    const unlinking = await countUpdates(async () => {
      await sql('update participants set person_id = nullif(2, id) where id between 2 and $1::int + 1', [
        count,
      ]);
      await sql('insert into pending_regroupings select generate_series(2, $1::int + 1)', [count]);
      await regroup();
    });
    expect(await merged()).to.deep.equal([{ id: 2, n: size - 1 }]);
    expect(unlinking).to.be.at.most(2 * size + 100);
  });

  it('does not delay messages of other people while another transaction locks one of the conversations', async () => {
    const [one, other] = [
      await fill('+12016660001', 150, 8_040_000_000),
      await fill('+12016660002', 150, 8_040_000_000),
    ];
    const holder = new pg.Client({ connectionString: service.databaseUrl });
    await holder.connect();
    await holder.query('begin');
    await holder.query('select from conversations where id = 290 for no key update');
    let linked = false;
    const linking = link('PUT', one, other).finally(() => {
      linked = true;
    });
    await until(
      async () => (await sql('select from conversations where merged_into_id is not null')).length > 0,
      'the first step is done',
    );
    // Transactions that wait for a conversation while they hold the lock for linking.
    const waits = `
      select waiting.waitstart < clock_timestamp() - interval '50 milliseconds' as is_long
      from pg_locks as holding join pg_locks as waiting using (pid)
      where holding.locktype = 'advisory' and holding.granted and not waiting.granted
        and holding.database = (select oid from pg_database where datname = current_database())`;
    for (let n = 0; n < 20; n++) {
      const { status } = await service.request('POST', '/api/messages/sms', {
        ...sms,
        to: `+1804555${1_000 + n}`,
      });
      expect(status).to.equal(202);
      for (const wait of await sql(waits)) expect(wait).to.deep.equal({ is_long: false });
    }
    expect(linked).to.equal(false);
    await holder.query('rollback');
    await holder.end();
    expect((await linking).status).to.equal(200);
    expect(await sql('select from conversations where merged_into_id is not null')).to.have.length(150);
  });

  it('waits at most 5 ms for a locked conversation', async () => {
    await service.service.stop();
    await linkOnly(
      await fill('+12016660001', 1, 8_040_000_000),
      await fill('+12016660002', 1, 8_040_000_000),
    );
    const client = new pg.Client({ connectionString: service.databaseUrl });
    await client.connect();
    await client.query('begin');
    await client.query(`select ${storedFunction('continue_regrouping')}(100, null)`);
    expect((await client.query('show lock_timeout')).rows).to.deep.equal([{ lock_timeout: '5ms' }]);
    await client.end();
  });

  describe('after the process died during the regrouping', () => {
    let one: number;
    let other: number;
    beforeEach(async () => {
      [one, other] = [
        await fill('+12016660001', 4, 8_040_000_000),
        await fill('+12016660002', 4, 8_040_000_000),
      ];
      await linkOnly(one, other);
      await sql(`select ${storedFunction('continue_regrouping')}(1, null)`);
    });
    const merged = async () => {
      const { data } = (await service.request('GET', '/api/conversations')).body;
      return data.map(({ id, merged_ids }: Conversation) => [id, ...merged_ids]);
    };
    const all = [
      [4, 8],
      [3, 7],
      [2, 6],
      [1, 5],
    ];

    it('is finished in the background by another process', async () => {
      await until(async () => (await merged()).length === 4, 'the conversations are merged');
      expect(await merged()).to.have.deep.members(all);
    });

    it('is finished by a repeated request', async () => {
      expect((await link('PUT', one, other)).status).to.equal(200);
      expect(await merged()).to.have.deep.members(all);
    });

    it('is undone by unlinking', async () => {
      expect((await link('DELETE', one, other)).status).to.equal(200);
      expect((await merged()).flat()).to.have.members([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(await sql('select from conversations where people_ids is not null')).to.have.length(0);
      expect(await sql('select from pending_regroupings')).to.have.length(0);
    });

    it('accepts messages, and lists each conversation once, after each step', async () => {
      for (let left = true; left; ) {
        expect((await merged()).flat()).to.have.members([1, 2, 3, 4, 5, 6, 7, 8]);
        const [row] = await sql<{ left: boolean }>(
          `select ${storedFunction('continue_regrouping')}(1, null) as left`,
        );
        left = row?.left ?? false;
        for (const to of ['+12016660001', '+12016660002']) {
          const event = {
            ...inboundSms,
            from: '+18040000002',
            to,
            messaging_provider_id: `${to}-${++received}`,
          };
          const { body } = await service.request('POST', '/api/webhooks/sms', event);
          const { body: shown } = await service.request('GET', `/api/conversations/${body.conversation_id}`);
          expect(shown.last_message.id).to.equal(body.id);
        }
      }
      expect(await merged()).to.have.deep.members(all);
    });
  });
});
