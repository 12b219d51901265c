import { expect } from 'chai';
import pg from 'pg';
import { isMigrated, MIGRATIONS, migrate, rollback } from '../../src/db/migrate.ts';
import { openDatabase } from '../../src/db/pools.ts';
import { inboundSms, sms } from '../support/bodies.ts';
import { createDatabase, query } from '../support/database.ts';
import { startHarness } from '../support/harness.ts';
import { until } from '../support/until.ts';

const TABLES = `select table_name from information_schema.tables where table_schema = 'public' and table_name not like 'knex%'`;

describe('Migrations', () => {
  it('go up, down and up again', async () => {
    const url = await createDatabase();
    const database = openDatabase(url, () => undefined);
    expect(await migrate(url)).not.to.have.length(0);
    const tables = await query(url, TABLES);
    expect(tables).to.have.length(11);
    await rollback(url);
    expect(await query(url, TABLES)).to.have.length(0);
    expect(await isMigrated(database)).to.equal(false);
    await migrate(url);
    expect(await query(url, TABLES)).to.have.deep.members(tables);
    expect(await migrate(url)).to.have.length(0);
    await database.close();
  });

  for (const limit of ['statement_timeout', 'lock_timeout'])
    it(`take longer than the ${limit} of the role`, async () => {
      const url = await createDatabase();
      await query(url, `alter database ${new URL(url).pathname.slice(1)} set ${limit} = '2s'`);
      const other = new pg.Client({ connectionString: url });
      await using stack = new AsyncDisposableStack();
      stack.defer(() => other.end());
      await other.connect();
      // The migration that creates this table waits for the end of this transaction.
      await other.query('begin; create table participants (id int)');
      const migrating = migrate(url);
      const hasWaited = async () => {
        const waiting = await query(
          url,
          `
          select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
            and query ~ 'create table participants' and clock_timestamp() - query_start > interval '3 seconds'`,
        );
        return waiting.length === 1;
      };
      await Promise.race([migrating, until(hasWaited, 'the migration has waited for longer than the limit')]);
      await other.query('rollback');
      expect(await migrating).not.to.have.length(0);
    });

  it('keep what became of each message when the one of deliveries is taken back and made again', async () => {
    const service = await startHarness();
    const { databaseUrl: url } = service;
    const all = async (harness: typeof service) => (await harness.request('GET', '/api/messages')).body.data;
    const { id } = (await service.request('POST', '/api/messages/sms', sms)).body;
    await service.untilStatus(id, 'delivered');
    await service.request('POST', '/api/messages/sms', { ...sms, send_at: '2099-01-01T00:00:00Z' });
    await service.request('POST', '/api/webhooks/sms', inboundSms);
    const before = await all(service);
    await service.service.stop();

    const database = openDatabase(url, () => undefined);
    await database.knex.migrate.down({ ...MIGRATIONS, name: '20260401000000_deliveries.ts' });
    expect(await isMigrated(database)).to.equal(false);
    const statuses = await query(url, 'select status from messages order by id');
    expect(statuses.map(({ status }) => status)).to.deep.equal(['delivered', 'scheduled', 'received']);
    expect(await migrate(url)).to.have.length(1);
    await database.close();

    const again = await startHarness({ DATABASE_URL: url });
    expect(await all(again)).to.deep.equal(before);
    await again.stop();
    await service.stop();
  });

  it('take an attempt that nobody told of back with the one that let it be written', async () => {
    const api = await startHarness({ ROLE: 'api' });
    const { id } = (await api.request('POST', '/api/messages/sms', sms)).body;
    await query(
      api.databaseUrl,
      `insert into delivery_attempts (message_id, number, provider, started_at, duration_ms, outcome)
       values ($1, 1, 'text-co', now(), null, 'unknown'), ($1, 2, 'text-co', now(), 7, 'accepted')`,
      [id],
    );
    await api.service.stop();
    const database = openDatabase(api.databaseUrl, () => undefined);
    await database.knex.migrate.down({ ...MIGRATIONS, name: '20260701000000_lost_attempts.ts' });
    const left = await query(api.databaseUrl, 'select number from delivery_attempts');
    expect(left).to.deep.equal([{ number: 2 }]);
    expect(await migrate(api.databaseUrl)).to.have.length(1);
    await database.close();
    await api.stop();
  });

  it('let two services come up on one empty database at once', async () => {
    const DATABASE_URL = await createDatabase();
    const services = await Promise.all([startHarness({ DATABASE_URL }), startHarness({ DATABASE_URL })]);
    for (const service of services) {
      expect((await service.request('GET', '/readyz')).status).to.equal(200);
      await service.stop();
    }
  });

  it('go on after a process that was killed while it migrated', async () => {
    const url = await createDatabase();
    const database = openDatabase(url, () => undefined);
    await migrate(url);
    await query(url, 'update knex_migrations_lock set is_locked = 1');
    expect(await migrate(url)).to.have.length(0);
    await database.close();
  });

  it('leave no row without the row that it refers to', async () => {
    const url = await createDatabase();
    const database = openDatabase(url, () => undefined);
    await migrate(url);
    const constraints = await query<{ name: string }>(
      url,
      `select conrelid::regclass || '.' || a.attname as name from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1] where contype = 'f'`,
    );
    expect(constraints.map(({ name }) => name)).to.have.members([
      'participants.person_id',
      'conversations.merged_into_id',
      'conversation_participants.conversation_id',
      'conversation_participants.participant_id',
      'messages.conversation_id',
      'messages.sender_id',
      'deliveries.conversation_id',
      'delivery_attempts.message_id',
      'delivery_receipts.message_id',
      'participant_links.participant_id',
      'participant_links.other_id',
      'delivery_decisions.message_id',
      'pending_regroupings.participant_id',
    ]);
    await database.close();
  });
});
