import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { FUNCTION_SCHEMA } from '../../src/db/functions.ts';
import { migrate } from '../../src/db/migrate.ts';
import { sms } from '../support/bodies.ts';
import { createDatabase, createMigratedDatabase, query } from '../support/database.ts';
import { startHarness } from '../support/harness.ts';
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
    const other = await changedVersion();
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

  it('make the service not ready if they are missing', async () => {
    const service = await startHarness({ ROLE: 'api' });
    await query(service.databaseUrl, `drop schema ${FUNCTION_SCHEMA} cascade`);
    expect((await service.request('GET', '/readyz')).status).to.equal(503);
    await service.stop();
  });
});

describe('The tables of another version', () => {
  it('stop the start with a one-line error that names the remedy if it is a development version', async () => {
    const url = await createMigratedDatabase();
    await query(url, `insert into knex_migrations (name, batch) values ('20260101000000_messaging.ts', 1)`);
    const error = await startHarness({ DATABASE_URL: url }).then(
      () => null,
      (failure: Error) => failure,
    );
    expect(error?.message).to.match(/^DATABASE_URL: .*development version.*Use an empty database/);
  });

  it('work with this version if it is a newer version', async () => {
    const url = await createMigratedDatabase();
    await query(url, `insert into knex_migrations (name, batch) values ('29990101000000_newer.ts', 2)`);
    const service = await startHarness({ DATABASE_URL: url, ROLE: 'api' });
    expect((await service.request('GET', '/readyz')).status).to.equal(200);
    await service.stop();
  });
});

/** A copy of this version with one function changed. */
async function changedVersion(): Promise<string> {
  const root = process.cwd();
  const copy = await mkdtemp(join(tmpdir(), 'messaging-version-'));
  for (const directory of ['src', 'migrations'])
    await cp(join(root, directory), join(copy, directory), { recursive: true });
  await cp(join(root, 'package.json'), join(copy, 'package.json'));
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  const file = join(copy, 'src/db/functions/recording/record_messages.sql');
  await writeFile(file, `${await readFile(file, 'utf8')}-- Changed.\n`);
  return copy;
}
