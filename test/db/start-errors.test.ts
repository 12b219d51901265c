import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import pg from 'pg';
import { explainDatabaseError } from '../../src/db/start/start-errors.ts';
import { createDatabase, query } from '../support/database.ts';
import { listen } from '../support/listen.ts';
import { freePort, runToEnd } from '../support/process.ts';
import { databaseError } from '../support/start-error.ts';
import { until } from '../support/until.ts';

const target = {
  variable: 'DATABASE_URL',
  host: 'db.example',
  port: 5432,
  user: 'shop',
  database: 'messages',
};

describe('The start of the service fails with a one-line error', function () {
  this.timeout(30_000);
  let url: string;
  const role = `weak_${process.pid}`;
  before(async () => {
    url = await createDatabase();
    await query(url, `create role ${role} login password 'weak-password'`);
  });
  const changed = (changes: Partial<URL>, from = url) => Object.assign(new URL(from), changes).href;
  const asWeakRole = (from = url) => changed({ username: role, password: 'weak-password' }, from);
  const nameOf = (database: string) => new URL(database).pathname.slice(1);

  it('for a wrong password', async () => {
    expect(await databaseError(changed({ password: 'guessed-wrong' }))).to.match(
      /password is wrong.*"messaging_user"/,
    );
  });

  it('for a role that does not exist', async () => {
    expect(await databaseError(changed({ username: 'nobody-of-that-name' }))).to.match(
      /"nobody-of-that-name"/,
    );
  });

  it('for a URL without a password', async () => {
    expect(await databaseError(changed({ password: '' }))).to.match(
      /requires a password.*the URL has no password/,
    );
  });

  it('for a database that does not exist, with the command to create it', async () => {
    expect(await databaseError(changed({ pathname: '/not-there' }))).to.match(
      /"not-there" does not exist.*createdb --owner="messaging_user" "not-there"/,
    );
  });

  it('for a role that may not log in', async () => {
    await query(url, `create role ${role}_barred nologin password 'barred-password'`);
    const barred = changed({ username: `${role}_barred`, password: 'barred-password' });
    expect(await databaseError(barred)).to.match(/not permitted to log in/);
  });

  it('for a role that may not create tables, with the command to allow it', async () => {
    expect(await databaseError(asWeakRole())).to.match(
      /permission denied.*alter database "test_\w+" owner to "weak_/,
    );
  });

  it('for a database without a free connection', async () => {
    const full = await createDatabase();
    await query(url, `alter database ${nameOf(full)} with connection limit 0`);
    expect(await databaseError(asWeakRole(full))).to.match(
      /no free connection: too many connections.*max_connections/,
    );
  });

  it('for a database that accepts no connections', async () => {
    const closed = await createDatabase();
    await query(url, `alter database ${nameOf(closed)} with allow_connections false`);
    expect(await databaseError(closed)).to.match(/not currently accepting connections \(SQLSTATE 55000\)/);
  });

  it('for a database that is read-only', async () => {
    const readOnly = await createDatabase();
    await query(url, `alter database ${nameOf(readOnly)} set default_transaction_read_only = on`);
    expect(await databaseError(readOnly)).to.match(/read-only: default_transaction_read_only is on/);
  });

  it('for a database whose encoding is not UTF8, with the command to create one', async () => {
    const name = `latin_${process.pid}`;
    await query(
      url,
      `create database ${name} encoding 'LATIN1' locale_provider libc locale 'C' template template0`,
    );
    expect(await databaseError(changed({ pathname: name }))).to.match(
      /encoding of "latin_\d+" is LATIN1.*--encoding=UTF8/,
    );
  });

  it('for a PostgreSQL that is too old or has no ICU, and for a standby', async () => {
    // An object that shadows an object of the server, because the tests have only one version of PostgreSQL.
    const databaseWith = async (object: string, definition: string) => {
      const database = await createDatabase();
      await query(database, `create schema shadow; create ${object} ${definition}`);
      await query(
        database,
        `alter database ${nameOf(database)} set search_path = shadow, pg_catalog, public`,
      );
      return database;
    };
    const old = await databaseWith(
      'function shadow.current_setting(text) returns text',
      `language sql as $$ select case $1 when 'server_version_num' then '140012' when 'server_version' then '14.12' else pg_catalog.current_setting($1) end $$`,
    );
    expect(await databaseError(old)).to.match(/PostgreSQL 14\.12 is too old: 15 or newer/);
    const withoutIcu = await databaseWith('table shadow.pg_collation', '(collname name)');
    expect(await databaseError(withoutIcu)).to.match(/has no ICU collations: install .* 17 or newer/);
    const standby = await databaseWith(
      'function shadow.pg_is_in_recovery() returns bool',
      'language sql as $$ select true $$',
    );
    expect(await databaseError(standby)).to.match(/is a standby.*Name the primary/);
  });

  it('for tables of another program', async () => {
    const taken = await createDatabase();
    await query(taken, 'create table messages (n int)');
    expect(await databaseError(taken)).to.match(
      /refuses: relation "messages" already exists \(SQLSTATE 42P07\)$/,
    );
  });

  it('for a port without a server, and for a host name that does not exist', async () => {
    expect(await databaseError(changed({ port: String(await freePort()) }))).to.match(
      /does not respond at 127\.0\.0\.1:\d+ \(ECONNREFUSED\)/,
    );
    expect(await databaseError(changed({ hostname: 'localhost', port: String(await freePort()) }))).to.match(
      /does not respond at localhost:\d+ \(ECONNREFUSED\)/,
    );
    expect(await databaseError(changed({ hostname: 'no-such-host.invalid' }))).to.match(
      /no-such-host\.invalid cannot be resolved/,
    );
  });

  describe('for a server other than PostgreSQL', () => {
    let server: Server;
    const sockets = new Set<Socket>();
    const urlOf = async (other: Server) => {
      server = other.on('connection', (socket) => sockets.add(socket));
      return changed({ port: String(await listen(server)) });
    };
    afterEach(async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    });

    it('that serves HTTP', async () => {
      const http = await urlOf(createHttpServer((_, response) => response.end('hello')));
      expect(await databaseError(http)).to.match(/does not respond like a PostgreSQL server/);
      expect(await databaseError(`${http}?sslmode=verify-full`)).to.match(
        /does not respond like a PostgreSQL server/,
      );
    });

    it('that closes the connection', async () => {
      expect(await databaseError(await urlOf(createServer((socket) => socket.end())))).to.match(
        /does not respond like a PostgreSQL server/,
      );
    });

    it('that does not respond', async () => {
      expect(await databaseError(await urlOf(createServer()))).to.match(
        /does not respond like a PostgreSQL server/,
      );
    });
  });

  it('for a server without TLS if the URL requires TLS', async () => {
    for (const mode of ['prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'])
      expect(await databaseError(`${url}?sslmode=${mode}`), mode).to.match(/has no TLS.*sslmode=disable/);
  });

  it('for a root certificate that cannot be read', async () => {
    expect(await databaseError(`${url}?sslmode=verify-full&sslrootcert=/not/there.pem`)).to.match(
      /the file \/not\/there\.pem .*cannot be read/,
    );
  });

  it('for other errors of the server and of TLS', () => {
    const explain = (code: string, message = 'the message') =>
      explainDatabaseError(Object.assign(new Error(message), { code }), target);
    expect(explain('53100', 'insert into x - could not extend file: No space left on device')).to.equal(
      'DATABASE_URL: the disk of the server is full: could not extend file: No space left on device',
    );
    expect(explain('57P03', 'the database system is starting up')).to.match(/db\.example:5432 is not ready/);
    expect(explain('25006')).to.match(/read-only/);
    expect(explain('CERT_HAS_EXPIRED')).to.match(/has expired/);
    expect(explain('UNABLE_TO_VERIFY_LEAF_SIGNATURE')).to.match(/sslrootcert=FILE/);
    expect(explain('08P01', 'unsupported startup parameter: x')).to.match(
      /pooler at db\.example:5432 refuses/,
    );
    expect(explain('XX000')).to.equal('DATABASE_URL: the database refuses: the message (SQLSTATE XX000)');
    expect(explainDatabaseError(new TypeError('a fault of the program'), target)).to.equal(null);
  });

  it('for a server that stops during a migration', async () => {
    const database = await createDatabase();
    const blocker = new pg.Client({ connectionString: database });
    await blocker.connect();
    // The migration creates the same table and waits for the end of this transaction.
    await blocker.query('begin; create table messages (n int)');
    const outcome = databaseError(database);
    await until(async () => {
      const terminated = await query(
        url,
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = $1 and wait_event_type = 'Lock' and application_name = 'messaging-service-migrations'`,
        [nameOf(database)],
      );
      return terminated.length === 1;
    }, 'the migration waits');
    expect(await outcome).to.match(/connection to the database at 127\.0\.0\.1:\d+ was lost/);
    await blocker.end();
  });

  it('for every error with which the driver and Knex report a lost connection', () => {
    for (const message of [
      'ROLLBACK - Client has encountered a connection error and is not queryable',
      'Client was closed and is not queryable',
      'write EPIPE',
      'Knex: Timeout acquiring a connection. The pool is probably full.',
      'timeout exceeded when trying to connect',
    ])
      expect(explainDatabaseError(new Error(message), target), message).to.match(
        /^DATABASE_URL: the connection to the database at db\.example:5432 was lost/,
      );
  });

  it('on standard error, with exit code 1, if the service runs as a process', async () => {
    const { code, stdout, stderr } = await runToEnd('bin/start.sh', [], {
      PORT: String(await freePort()),
      SIMULATOR_PORT: String(await freePort()),
      DATABASE_URL: changed({ password: 'guessed-wrong' }),
    });
    expect([code, stdout]).to.deep.equal([1, '']);
    expect(stderr).to.match(/^messaging-service: DATABASE_URL: the password is wrong [^\n]+\n$/);
  });
});
