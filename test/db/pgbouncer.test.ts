import { expect } from 'chai';
import { loadConfig } from '../../src/service/service.ts';
import { sms } from '../support/bodies.ts';
import { createDatabase, query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { installedPgBouncers, type PgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { databaseError } from '../support/start-error.ts';
import { until } from '../support/until.ts';

const SENDS = 60;
const installed = installedPgBouncers();

if (installed.length === 0)
  describe('PgBouncer', () => {
    it('works in front of the database (skipped: pgbouncer is not installed, and PGBOUNCER is not set)');
  });

for (const pgbouncer of installed)
  describe(`PgBouncer ${pgbouncer.version}`, function () {
    this.timeout(60_000);
    let databaseUrl: string;
    let pooler: PgBouncer | undefined;
    let service: Harness | undefined;
    const start = async (settings: Record<string, string>) => {
      databaseUrl = await createDatabase();
      pooler = await startPgBouncer(pgbouncer, databaseUrl, settings);
      return pooler.url;
    };
    afterEach(async () => {
      await service?.stop();
      service = undefined;
      await pooler?.stop();
      pooler = undefined;
    });

    /** Checks that migrations, concurrent sends, deliveries, reads, links and cancellations succeed. */
    const checkService = async (environment: Record<string, string>) => {
      service = await startHarness(environment);
      const { request } = service;
      const send = (n: number) =>
        request('POST', '/api/messages/sms', { ...sms, to: `+1804555${1_000 + n}` });
      const answers = await Promise.all(Array.from({ length: SENDS }, (_, n) => send(n)));
      expect(answers.map(({ status }) => status)).to.deep.equal(answers.map(() => 202));
      for (const { body } of answers) await service.untilStatus(body.id, 'delivered');
      const others = await Promise.all(
        Array.from({ length: SENDS }, (_, n) =>
          n % 3 === 0
            ? request('GET', '/api/conversations')
            : n % 3 === 1
              ? request('GET', '/api/messages?q=hello')
              : request('POST', `/api/messages/${answers[n]?.body.id}/cancel`),
        ),
      );
      for (const { status } of others) expect([200, 409]).to.include(status);
      expect((await request('PUT', '/api/participants/2/links/3')).status).to.equal(200);
      expect((await request('GET', '/readyz')).status).to.equal(200);
      expect((await service.accepted()).every(({ request_count }) => request_count === 1)).to.equal(true);
    };

    it('works in session mode with the default settings of the service', async () => {
      await checkService({ DATABASE_URL: await start({ pool_mode: 'session' }) });
      const listeners = await query<{ query: string }>(
        databaseUrl,
        `select query from pg_stat_activity where query ~ '^listen'`,
      );
      expect(listeners).not.to.deep.equal([]);
    });

    it('in statement mode, makes the service refuse to start with a one-line error', async () => {
      const settings: Record<string, string> = pgbouncer.supportsPreparedStatements
        ? { max_prepared_statements: '100' }
        : {};
      expect(await databaseError(await start({ pool_mode: 'statement', ...settings }))).to.match(
        pgbouncer.supportsPreparedStatements ? /is in statement mode/ : /without prepared statements/,
      );
    });

    it('in transaction mode without prepared statements, makes the service refuse to start with a one-line error', async () => {
      const settings: Record<string, string> = pgbouncer.supportsPreparedStatements
        ? { max_prepared_statements: '0' }
        : {};
      expect(await databaseError(await start({ pool_mode: 'transaction', ...settings }))).to.match(
        /transaction mode without prepared statements\. Use its session mode .*1\.21/,
      );
    });

    it('with an unknown database, makes the service refuse to start with a one-line error', async () => {
      await start({ pool_mode: 'session' });
      expect(
        await databaseError(Object.assign(new URL(pooler?.url ?? ''), { pathname: '/not-there' }).href),
      ).to.match(/not-there|connection pooler/);
    });

    if (pgbouncer.supportsPreparedStatements) {
      const settings = { pool_mode: 'transaction', max_prepared_statements: '100', default_pool_size: '5' };

      it('works in transaction mode with DATABASE_DIRECT_URL', async () => {
        const url = await start(settings);
        await checkService({ DATABASE_URL: url, DATABASE_DIRECT_URL: databaseUrl });
      });

      it('works in transaction mode without DATABASE_DIRECT_URL', async () => {
        await checkService({ DATABASE_URL: await start(settings) });
      });

      it('keeps no settings of the service in sessions that are shared in transaction mode', async () => {
        const url = await start({ ...settings, default_pool_size: '1', reserve_pool_size: '1' });
        await checkService({ DATABASE_URL: url, DATABASE_DIRECT_URL: databaseUrl });
        const [session] = await query<{ statement_timeout: string; enable_seqscan: string }>(
          url,
          `select current_setting('statement_timeout') as statement_timeout, current_setting('enable_seqscan') as enable_seqscan`,
        );
        expect(session).to.deep.equal({ statement_timeout: '0', enable_seqscan: 'on' });
      });
    }
  });

const CONNECTIONS = `
  select count(*) filter (where query ~* '^listen')::int as listen,
    count(*) filter (where query !~* '^listen')::int as others
  from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;

describe('The connections of the service', () => {
  for (const [title, role, workerProcess, extra] of [
    ['ROLE=api', 'api', false, { readiness: 1, listen: 1 }],
    ['a worker in the same process', 'all', false, { readiness: 1, listen: 2 }],
    ['ROLE=all with its worker process', 'all', true, { readiness: 1, listen: 2 }],
  ] as const)
    it(`are limited by DATABASE_POOL_SIZE, plus ${extra.readiness} for /readyz and ${extra.listen} for LISTEN: ${title}`, async () => {
      const settings = { ROLE: role, DATABASE_POOL_SIZE: '3', LOG_LEVEL: 'silent' };
      const service = await startHarness(settings, undefined, workerProcess);
      const requests = Array.from({ length: 40 }, (_, n) =>
        n % 2 === 0
          ? service.request('GET', '/api/conversations')
          : service.request('POST', '/api/messages/sms', { ...sms, to: `+1804555${1_000 + n}` }),
      );
      for (const { status } of await Promise.all(requests)) expect([200, 202]).to.include(status);
      expect((await service.request('GET', '/readyz?verbose')).status).to.equal(200);
      const count = await until(async () => {
        const [found] = await query<{ listen: number; others: number }>(service.databaseUrl, CONNECTIONS);
        return found?.listen === extra.listen && found;
      }, `${extra.listen} connections listen`);
      await service.stop();
      expect(count.others).to.be.within(2 + extra.readiness, 3 + extra.readiness);
    });

  it('require a DATABASE_POOL_SIZE that is a whole number of at least 2, and of at least 3 for ROLE=all', () => {
    expect(loadConfig({ DATABASE_POOL_SIZE: '40' }).databasePoolSize).to.equal(40);
    expect(loadConfig({ DATABASE_POOL_SIZE: '2', ROLE: 'api' }).databasePoolSize).to.equal(2);
    expect(() => loadConfig({ DATABASE_POOL_SIZE: '2' })).to.throw(
      'DATABASE_POOL_SIZE: is 2, but ROLE=all needs at least 3',
    );
    for (const size of ['1', '0', '-3', 'ten', '1e2', '4.5'])
      expect(() => loadConfig({ DATABASE_POOL_SIZE: size }), size).to.throw(/DATABASE_POOL_SIZE/);
  });

  it('require DATABASE_URL if DATABASE_DIRECT_URL is set', () => {
    expect(() => loadConfig({ DATABASE_DIRECT_URL: 'postgres://h/d' })).to.throw(
      /DATABASE_DIRECT_URL.*DATABASE_URL/,
    );
  });
});
