import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { FUNCTION_SCHEMA } from '../../src/db/functions.ts';
import { migrate } from '../../src/db/migrate.ts';
import { openDatabase } from '../../src/db/pools.ts';
import { createDatabaseCheck } from '../../src/db/start/readiness.ts';
import { UnavailableError } from '../../src/errors.ts';
import { sms } from '../support/bodies.ts';
import { createDatabase, createMigratedDatabase, query } from '../support/database.ts';
import { startHarness } from '../support/harness.ts';
import { databaseError } from '../support/start-error.ts';
import { until } from '../support/until.ts';

const schemasOf = async (url: string) =>
  (
    await query<{ name: string }>(
      url,
      `select nspname as name from pg_namespace where nspname like 'messaging_functions_%' order by 1`,
    )
  ).map(({ name }) => name);

describe('The stored functions', () => {
  it('are installed once, into a schema whose name contains their digest', async () => {
    const url = await createDatabase();
    await migrate(url);
    await migrate(url);
    expect(await schemasOf(url)).to.deep.equal([FUNCTION_SCHEMA]);
    const names = await query<{ proname: string }>(
      url,
      'select distinct proname from pg_proc where pronamespace = to_regnamespace($1) order by 1',
      [FUNCTION_SCHEMA],
    );
    expect(names.map(({ proname }) => proname)).to.include.members(['record_messages', 'claim_deliveries']);
  });

  it('do not depend on the search_path of the role', async () => {
    const url = await createMigratedDatabase();
    const name = new URL(url).pathname.slice(1);
    await query(url, `alter database ${name} set search_path = public, pg_catalog`);
    const service = await startHarness({ DATABASE_URL: url });
    const { body } = await service.request('POST', '/api/messages/sms', sms);
    await service.untilStatus(body.id, 'delivered');
    await service.stop();
  });

  it('of two versions work in the same database at the same time', async () => {
    const url = await createMigratedDatabase();
    const older = await startHarness({ DATABASE_URL: url });
    const other = await changedVersion(
      'src/db/functions/recording/record_messages.sql',
      (text) => `${text}-- Changed.\n`,
    );
    try {
      const { migrate: migrateOther } = await import(join(other, 'src/db/migrate.ts'));
      await migrateOther(url);
      expect(await schemasOf(url))
        .to.have.length(2)
        .and.to.include(FUNCTION_SCHEMA);
      expect((await older.request('GET', '/readyz')).status).to.equal(200);
      const { body } = await older.request('POST', '/api/messages/sms', sms);
      await older.untilStatus(body.id, 'delivered');
    } finally {
      await older.stop();
      await rm(other, { recursive: true });
    }
  });

  it('are dropped when no process has used them for a week', async () => {
    const url = await createMigratedDatabase();
    const [recent, old, foreign] = ['recent', 'old', 'foreign'].map((name) => `messaging_functions_${name}`);
    for (const schema of [recent, old, foreign]) await query(url, `create schema ${schema}`);
    await query(
      url,
      `insert into function_schemas values ($1, now() - interval '6 days'), ($2, now() - interval '8 days')`,
      [recent, old],
    );
    const service = await startHarness({ DATABASE_URL: url });
    await until(async () => !(await schemasOf(url)).includes(old as string), 'the unused schema is dropped');
    expect(await schemasOf(url)).to.have.members([FUNCTION_SCHEMA, recent, foreign]);
    await service.stop();
  });

  it('are installed again if another process drops them during the start', async () => {
    const url = await createMigratedDatabase();
    const other = new pg.Client({ connectionString: url });
    await other.connect();
    await other.query('begin');
    await other.query('delete from function_schemas where name = $1', [FUNCTION_SCHEMA]);
    await other.query(`drop schema ${FUNCTION_SCHEMA} cascade`);
    const migrating = migrate(url);
    await until(
      async () =>
        (
          await query(
            url,
            `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
          )
        ).length,
      'the start waits for the other process',
    );
    await other.query('commit');
    await other.end();
    await migrating;
    expect(await schemasOf(url)).to.deep.equal([FUNCTION_SCHEMA]);
  });

  for (const [damage, statement] of [
    ['all functions', `drop schema ${FUNCTION_SCHEMA} cascade`],
    ['one function', `drop function ${FUNCTION_SCHEMA}.insert_messages`],
  ])
    it(`are installed again after the loss of ${damage}, and until then requests get a 503`, async () => {
      const service = await startHarness();
      await query(service.databaseUrl, statement as string);
      const statuses = new Set<number>();
      const id = await until(async () => {
        const { status, body } = await service.request('POST', '/api/messages/sms', sms);
        statuses.add(status);
        return status === 202 && (body.id as number);
      }, 'a message is accepted');
      statuses.delete(503);
      expect([...statuses]).to.deep.equal([202]);
      await service.untilStatus(id, 'delivered');
      expect((await service.request('GET', '/readyz')).status).to.equal(200);
      await service.stop();
    });

  for (const [role, workerProcess] of [
    ['worker', false],
    ['all', true],
  ] as const)
    it(`are installed again at once if only the worker of ROLE=${role} misses one`, async () => {
      const service = await startHarness({ ROLE: role }, undefined, workerProcess);
      const api =
        role === 'all' ? service : await startHarness({ DATABASE_URL: service.databaseUrl, ROLE: 'api' });
      await query(service.databaseUrl, `drop function ${FUNCTION_SCHEMA}.settle_deliveries`);
      const { body } = await api.request('POST', '/api/messages/sms', sms);
      await until(async () => {
        const message = await api.request('GET', `/api/messages/${body.id}`);
        return /sent|delivered/.test(message.body.status);
      }, 'the message is sent before the next minute');
      await service.stop();
      await api.stop();
    });

  it('make the service not ready if one is missing', async () => {
    const url = await createMigratedDatabase();
    const database = openDatabase(url, () => undefined);
    const isReady = createDatabaseCheck(database);
    await isReady();
    await query(url, `drop function ${FUNCTION_SCHEMA}.insert_messages`);
    expect(await isReady().catch((error: Error) => error)).to.be.instanceOf(UnavailableError);
    await database.close();
  });

  it('stop the start with a one-line error if they belong to tables in another schema', async () => {
    const url = await createMigratedDatabase();
    await query(url, 'create schema "Other, 2"');
    const other = `${url}?options=${encodeURIComponent('-csearch_path="Other,\\ 2"')}`;
    expect(await databaseError(other)).to.match(
      /^DATABASE_URL: the stored functions messaging_functions_\w+ in "\w+" belong to tables in another schema\. Use a separate database/,
    );
    const service = await startHarness({ DATABASE_URL: url, ROLE: 'api' });
    expect((await service.request('GET', '/readyz')).status).to.equal(200);
    await service.stop();
  });
});

describe('The tables of another version', () => {
  it('stop the start with a one-line error that names the remedy if it is a development version', async () => {
    const url = await createMigratedDatabase();
    await query(url, `insert into knex_migrations (name, batch) values ('20260101000000_messaging.ts', 1)`);
    expect(await databaseError(url)).to.match(/development version.*Use an empty database/);
  });

  it('stop the start with a one-line error if no text of their migrations was recorded', async () => {
    const url = await createMigratedDatabase();
    await query(url, 'delete from migration_digests');
    expect(await databaseError(url)).to.match(
      /development version.*_initial\.ts has changed.*Use an empty database/,
    );
  });

  it('stop the start if the statements of a migration have changed, but not after a change of its comments', async () => {
    const url = await createMigratedDatabase();
    const [initial = ''] = await readdir('migrations');
    for (const [from, to, code] of [
      ['create table', 'create  table', undefined],
      ['/**', '/** Changed.', undefined],
      ['create table', '-- Changed.\n  create table', undefined],
      ['name text', 'full_name text', 'OBSOLETE_TABLES'],
    ] as const) {
      const other = await changedVersion(`migrations/${initial}`, (text) => text.replace(from, to));
      const { migrate: migrateOther } = await import(join(other, 'src/db/migrate.ts'));
      const error = await migrateOther(url).then(
        () => null,
        (failure: Error) => failure,
      );
      expect(error?.code, to).to.equal(code);
      await rm(other, { recursive: true });
    }
  });

  it('work with this version if it is a newer version', async () => {
    const url = await createMigratedDatabase();
    await query(url, `insert into knex_migrations (name, batch) values ('29990101000000_newer.ts', 2)`);
    const service = await startHarness({ DATABASE_URL: url, ROLE: 'api' });
    expect((await service.request('GET', '/readyz')).status).to.equal(200);
    await service.stop();
  });
});

/** A copy of this version with one file changed. */
async function changedVersion(path: string, change: (text: string) => string): Promise<string> {
  const root = process.cwd();
  const copy = await mkdtemp(join(tmpdir(), 'messaging-version-'));
  for (const directory of ['src', 'migrations'])
    await cp(join(root, directory), join(copy, directory), { recursive: true });
  await cp(join(root, 'package.json'), join(copy, 'package.json'));
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  const file = join(copy, path);
  await writeFile(file, change(await readFile(file, 'utf8')));
  return copy;
}
