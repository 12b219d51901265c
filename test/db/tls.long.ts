import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, chown, copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type EmbeddedDatabase, startEmbedded } from '../../src/service/local/embedded.ts';
import { sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { startHarness } from '../support/harness.ts';
import { freePort, runToEnd } from '../support/process.ts';
import { databaseError } from '../support/start-error.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe('A database with TLS', function () {
  this.timeout(60_000);
  let directory: string;
  let embedded: EmbeddedDatabase;
  let certificate: string;
  before(async function () {
    if (!hasOpenssl) return this.skip();
    directory = await mkdtemp(join(tmpdir(), 'messaging-tls-'));
    embedded = await startEmbedded(directory);
    certificate = await createCertificate(directory);
    await query(embedded.url, 'alter system set ssl = on');
    await query(embedded.url, 'select pg_reload_conf()');
  });
  after(async () => {
    await embedded?.stop();
    if (directory) await rm(directory, { recursive: true, force: true });
  });

  const urlWith = (hostname: string, parameters: string) => {
    const url = new URL(embedded.url);
    url.hostname = hostname;
    url.search = parameters;
    return url.href;
  };

  for (const mode of ['require', 'verify-ca', 'verify-full'])
    it(`is refused with sslmode=${mode} if its certificate is unknown, and the error names sslrootcert`, async () => {
      expect(await databaseError(urlWith('localhost', `sslmode=${mode}`))).to.match(
        /certificate is not signed by a known authority.*sslrootcert=FILE/,
      );
    });

  it('is refused if its certificate is for another host', async () => {
    expect(
      await databaseError(urlWith('127.0.0.1', `sslmode=verify-full&sslrootcert=${certificate}`)),
    ).to.match(/certificate is not for the host name 127\.0\.0\.1/);
  });

  it('is refused if the file of sslrootcert is not a certificate', async () => {
    const file = join(directory, 'not-a-certificate');
    await writeFile(file, 'hello');
    expect(await databaseError(urlWith('localhost', `sslmode=verify-full&sslrootcert=${file}`))).to.match(
      /certificate is not signed by a known authority|TLS fails/,
    );
  });

  for (const [title, hostname, parameters] of [
    [
      'with sslmode=verify-full and its certificate',
      'localhost',
      () => `sslmode=verify-full&sslrootcert=${certificate}`,
    ],
    [
      'with sslmode=require and its certificate',
      'localhost',
      () => `sslmode=require&sslrootcert=${certificate}`,
    ],
    ['with sslmode=no-verify', '127.0.0.1', () => 'sslmode=no-verify'],
    [
      'with sslmode=require and libpq compatibility',
      '127.0.0.1',
      () => 'uselibpqcompat=true&sslmode=require',
    ],
  ] as const)
    it(`is used through encrypted connections only, ${title}`, async () => {
      const service = await startHarness({ DATABASE_URL: urlWith(hostname, parameters()) });
      const { body } = await service.request('POST', '/api/messages/sms', sms);
      await service.untilStatus(body.id, 'delivered');
      const connections = await query<{ ssl: boolean }>(
        embedded.url,
        `select ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name like 'messaging-service%'`,
      );
      expect(connections.length).to.be.at.least(3);
      expect(connections.every(({ ssl }) => ssl)).to.equal(true);
      await service.stop();
    });

  it('is refused without TLS if the server requires TLS', async () => {
    const rules = join(directory, 'postgres', 'pg_hba.conf');
    const before = await readFile(rules, 'utf8');
    await writeFile(rules, `hostssl all all all scram-sha-256\n`);
    await query(embedded.url, 'select pg_reload_conf()');
    expect(await databaseError(urlWith('localhost', ''))).to.match(
      /refuses the login: no pg_hba\.conf entry.*no encryption/,
    );
    await writeFile(rules, before);
    await query(
      urlWith('localhost', `sslmode=verify-full&sslrootcert=${certificate}`),
      'select pg_reload_conf()',
    );
  });

  it('causes exactly one line of output if its certificate is unknown', async () => {
    const { stderr } = await runToEnd('bin/start.sh', [], {
      PORT: String(await freePort()),
      SIMULATOR_PORT: String(await freePort()),
      DATABASE_URL: urlWith('localhost', 'sslmode=require'),
    });
    expect(stderr).to.match(/^messaging-service: DATABASE_URL: the server's certificate [^\n]+\n$/);
  });
});

/**
 * Creates a self-signed certificate for `localhost` and copies it with its key to `server.crt` and `server.key` in the data
 * directory of PostgreSQL.
 */
async function createCertificate(directory: string): Promise<string> {
  const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, ...subject],
    { stdio: 'ignore' },
  );
  const { uid, gid } = await stat(join(directory, 'postgres'));
  for (const [from, name] of [
    [key, 'server.key'],
    [certificate, 'server.crt'],
  ] as const) {
    const file = join(directory, 'postgres', name);
    await copyFile(from, file);
    await chmod(file, 0o600);
    await chown(file, uid, gid);
  }
  return certificate;
}
