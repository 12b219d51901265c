import { expect } from 'chai';
import pg from 'pg';
import type { Conversation } from '../../../sdk/src/index.ts';
import { storedFunction } from '../../../src/db/functions.ts';
import { inboundSms, sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { fillConversations, linkWithoutRegrouping } from '../../support/people.ts';
import { until } from '../../support/until.ts';

/** Maximum number of conversations per step of the regrouping. */
const BATCH = 100;
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

  const fill = (address: string, count: number, first: number) =>
    fillConversations(service.databaseUrl, address, count, first);
  const linkOnly = (one: number, other: number) => linkWithoutRegrouping(service.databaseUrl, one, other);

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
