import { expect } from 'chai';
import pg from 'pg';
import { createWriteCheck } from '../../src/db/start/write-check.ts';
import { UnavailableError } from '../../src/errors.ts';
import { sms } from '../support/bodies.ts';
import { createDatabase, query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { until } from '../support/until.ts';

describe('Readiness while the database refuses writes', () => {
  let service: Harness;
  let name: string;
  let admin: string;
  before(async () => {
    service = await startHarness();
    name = new URL(service.databaseUrl).pathname.slice(1);
    admin = Object.assign(new URL(service.databaseUrl), { pathname: '/postgres' }).href;
  });
  after(() => service.stop());
  const readiness = async () => (await service.request('GET', '/readyz')).status;
  const reconnect = () =>
    query(admin, 'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);

  it('is 503 while the database is read-only, and 200 again afterwards', async () => {
    expect(await readiness()).to.equal(200);
    await query(admin, `alter database ${name} set default_transaction_read_only = on`);
    await reconnect();
    await until(async () => (await readiness()) === 503, 'the service is not ready');
    expect((await service.request('POST', '/api/messages/sms', sms)).status).to.equal(503);
    expect((await service.request('GET', '/healthz')).status).to.equal(200);
    await query(admin, `alter database ${name} reset default_transaction_read_only`);
    await reconnect();
    await until(async () => (await readiness()) === 200, 'the service is ready again');
    expect((await service.request('POST', '/api/messages/sms', sms)).status).to.equal(202);
  });

  it('is 503 while temporary files cannot be written, as on a full disk', async () => {
    await query(admin, `alter database ${name} set temp_file_limit = 0`);
    await reconnect();
    await until(async () => (await readiness()) === 503, 'the service is not ready');
    await query(admin, `alter database ${name} reset temp_file_limit`);
    await reconnect();
    await until(async () => (await readiness()) === 200, 'the service is ready again');
  });
});

describe('The write check', () => {
  let client: pg.Client;
  before(async () => {
    client = new pg.Client({ connectionString: await createDatabase() });
    await client.connect();
  });
  after(() => client.end());

  it('writes to the write-ahead log and to a temporary file, and leaves nothing behind', async () => {
    const position = async () => {
      const { rows } = await client.query('select pg_current_wal_flush_lsn() as lsn');
      return rows[0].lsn as string;
    };
    const before = await position();
    await createWriteCheck((text) => client.query(text))();
    const { rows } = await client.query(
      `select pg_wal_lsn_diff(pg_current_wal_flush_lsn(), $1) as written, current_setting('work_mem') as work_mem,
         pg_stat_force_next_flush()`,
      [before],
    );
    expect(Number(rows[0].written)).to.be.greaterThan(0);
    expect(rows[0].work_mem).to.equal('4MB');
    const temporary = 'select temp_bytes::int from pg_stat_database where datname = current_database()';
    expect((await client.query(temporary)).rows[0].temp_bytes).to.be.greaterThan(64 * 1024);
  });

  it('runs once for all callers within a second, who get the same result', async () => {
    let runs = 0;
    const succeeding = createWriteCheck(async (text) => {
      runs++;
      return client.query(text);
    });
    await Promise.all([succeeding(), succeeding(), succeeding()]);
    await succeeding();
    expect(runs).to.equal(1);
    let failures = 0;
    const failing = createWriteCheck(async () => {
      failures++;
      throw Object.assign(new Error('No space left on device'), { code: '53100' });
    });
    for (let call = 0; call < 3; call++)
      expect(await failing().catch((error) => error.code), `call ${call}`).to.equal('53100');
    expect(failures).to.equal(1);
  });

  it('fails if the write does not complete in time', async () => {
    const error = await createWriteCheck(() => new Promise(() => undefined))().catch((failure) => failure);
    expect(error).to.be.instanceOf(UnavailableError);
  });
});
