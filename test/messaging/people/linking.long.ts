import { expect } from 'chai';
import pg from 'pg';
import { storedFunction } from '../../../src/db/functions.ts';
import { createMigratedDatabase, query } from '../../support/database.ts';
import { fillConversations, linkWithoutRegrouping } from '../../support/people.ts';

/** The smallest step. */
const MIN_BATCH = 10;

describe('The cost of linking people', function () {
  this.timeout(120_000);
  let databaseUrl: string;
  beforeEach(async () => {
    databaseUrl = await createMigratedDatabase();
  });

  const sql = <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
    query<Row>(databaseUrl, text, values);
  const fill = (address: string, count: number, first: number) =>
    fillConversations(databaseUrl, address, count, first);

  it('does not grow with the number of unrelated conversations', async () => {
    // Measures the second step of a connection, because the first step also reads the system catalogue.
    const pagesOfStep = async () => {
      const client = new pg.Client({ connectionString: databaseUrl });
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
    await linkWithoutRegrouping(databaseUrl, shop, alias);
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

  it('is at most two writes of each conversation of a group of 900', async () => {
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
});
