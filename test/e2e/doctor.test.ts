import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { examine } from '../../src/service/local/doctor/main.ts';
import { loadConfig } from '../../src/service/service.ts';
import { PROFILE_ID } from '../../src/simulator/dialects/telnyx/message.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { createDatabase, query } from '../support/database.ts';
import { freePort, type Running, runToEnd, startProcess } from '../support/process.ts';
import { type ProviderServer, startProviderServer } from '../support/provider-server.ts';
import { PUBLIC_KEY } from '../support/telnyx.ts';
import { ACCOUNT_SID } from '../support/twilio.ts';
import {
  API_SECRET,
  APPLICATION_ID,
  PRIVATE_KEY,
  SIGNATURE_SECRET,
  SIMULATED,
  vonageAccount,
} from '../support/vonage.ts';

const AUTH_TOKEN = 'd'.repeat(32);
const OTHER_TOKEN = 'f'.repeat(32);
const KEY_SECRET = 'the-secret-of-the-api-key';
const KEY_SID = `SK${'1'.repeat(32)}`;

describe('The command doctor', function () {
  this.timeout(180_000);
  let directory: string;
  let simulator: Simulator;
  let environment: Record<string, string>;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'messaging-doctor-'));
    simulator = await startSimulator({
      ...{
        apiKey: AUTH_TOKEN,
        twilio: { accountSid: ACCOUNT_SID, apiKey: { sid: KEY_SID, secret: KEY_SECRET } },
      },
    });
    environment = {
      DATA_DIR: join(directory, 'data'),
      PORT: String(await freePort()),
      SIMULATOR_PORT: String(await freePort()),
    };
  });
  after(async () => {
    await simulator.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const command = async () => {
    const { code, stdout, stderr } = await runToEnd('bin/start.sh', ['doctor'], environment);
    expect(stderr).to.equal('');
    return { code, report: stdout };
  };
  /** The command without the start of a process, which takes longer than the examination. */
  const doctor = async (changes: Record<string, string> = {}) => {
    const { report, failed } = await examine(
      () => loadConfig({ ...environment, ...changes }),
      'the environment',
    );
    return { code: failed ? 1 : 0, report };
  };
  const twilio = () => ({
    ...{ SMS_PROVIDERS: 'twilio', TWILIO_URL: `${simulator.url}/twilio` },
    ...{ TWILIO_ACCOUNT_SID: ACCOUNT_SID, TWILIO_AUTH_TOKEN: AUTH_TOKEN },
  });

  it('succeeds before the first start, and creates nothing', async () => {
    const { code, report } = await command();
    expect(code, report).to.equal(0);
    expect(report).to.match(/the first start of the service creates the embedded PostgreSQL/);
    expect(report)
      .to.match(/no service runs at/)
      .and.to.match(/Everything is ok\.\n$/);
    expect(existsSync(environment.DATA_DIR as string)).to.equal(false);
  });

  it('names the languages of the keywords and the scope of STOP, and reports a faulty file', async () => {
    expect((await doctor({ STOP_SCOPE: 'sender' })).report)
      .to.match(/^ {2}Keywords +en, es, fr$/m)
      .and.to.match(/^ {2}Scope of STOP +sender$/m)
      .and.to.match(/^ {2}Replies to STOP +where the provider does not reply itself$/m);
    const { code, report } = await doctor({ CONSENT_KEYWORDS: join(directory, 'none.json') });
    expect(code).to.equal(1);
    expect(report).to.match(/^ {2}FAULT {4}CONSENT_KEYWORDS: ENOENT/m);
  });

  it('reports all faults of the configuration together', async () => {
    const { code, report } = await doctor({
      ...{ PORT: 'eighty', SMS_PROVIDERS: 'twilio,other', TWILIO_ACCOUNT_SID: 'AC12' },
      ...{ TWILO_AUTH_TOKEN: AUTH_TOKEN, OTHER_KIND: 'telegraph' },
    });
    expect(code).to.equal(1);
    for (const name of ['PORT', 'TWILIO_ACCOUNT_SID', 'TWILIO_AUTH_TOKEN', 'TWILO_AUTH_TOKEN', 'OTHER_KIND'])
      expect(report).to.match(new RegExp(`^ {2}FAULT {4}${name}: `, 'm'));
    expect(report).not.to.contain(AUTH_TOKEN);
  });

  it('names the allowed countries, and warns if numbers without a country code are of another country', async () => {
    const { code, report } = await doctor({ ALLOWED_COUNTRIES: 'CA,GB' });
    expect(code, report).to.equal(0);
    expect(report).to.match(/^ {2}Allowed countries {2}CA, GB$/m);
    expect(report).to.match(
      /^ {2}WARNING {2}DEFAULT_REGION: .* of US, which ALLOWED_COUNTRIES does not have$/m,
    );
    expect((await doctor({ ALLOWED_COUNTRIES: 'US' })).report).not.to.contain('WARNING');
  });

  it('reports a database that it cannot reach, and an empty database without a change of it', async () => {
    const none = await doctor({
      DATABASE_URL: `postgres://nobody:hidden@127.0.0.1:${await freePort()}/none`,
    });
    expect(none.code).to.equal(1);
    expect(none.report)
      .to.match(/^ {2}FAULT {4}DATABASE_URL: /m)
      .and.not.to.contain('hidden');
    const url = await createDatabase();
    const empty = await doctor({ DATABASE_URL: url });
    expect(empty.code, empty.report).to.equal(0);
    expect(empty.report).to.match(/^ {2}WARNING {2}pending: .*make migrate/m);
    expect(await query(url, `select from pg_tables where schemaname = 'public'`)).to.deep.equal([]);
    expect(
      (await runToEnd('bin/start.sh', ['migrate'], { ...environment, DATABASE_URL: url })).code,
    ).to.equal(0);
    expect((await doctor({ DATABASE_URL: url })).report).to.match(/^ {2}ok {7}migrated$/m);
  });

  it('reports each credential that Twilio refuses', async () => {
    const { code, report } = await doctor({
      ...{
        ...twilio(),
        TWILIO_AUTH_TOKEN: OTHER_TOKEN,
        TWILIO_PER_SECOND: '10',
        TWILIO_SENDERS: '+12016661234',
      },
      ...{ TWILIO_API_KEY_SID: KEY_SID, TWILIO_API_KEY_SECRET: 'another-secret-of-the-key' },
    });
    expect(code).to.equal(1);
    expect(report).to.match(
      /^ {2}FAULT {4}auth token: .*20003.*\. Correct TWILIO_AUTH_TOKEN or TWILIO_ACCOUNT_SID$/m,
    );
    expect(report).to.match(
      /^ {2}FAULT {4}API key: .*20003.*\. Correct TWILIO_API_KEY_SID or TWILIO_API_KEY_SECRET or TWILIO_ACCOUNT_SID$/m,
    );
    expect(report).to.match(/Senders +\+12016661234\n +Limits +10 per second\n/);
    expect(report).not.to.contain(OTHER_TOKEN).and.not.to.contain('another-secret');
  });

  it('accepts the auth token and the API key, and warns about an old auth token', async () => {
    const { code, report } = await doctor({
      ...{ ...twilio(), TWILIO_AUTH_TOKEN: `${AUTH_TOKEN},${OTHER_TOKEN}` },
      ...{ TWILIO_API_KEY_SID: KEY_SID, TWILIO_API_KEY_SECRET: KEY_SECRET },
    });
    expect(code, report).to.equal(0);
    expect(report).to.match(/^ {2}ok {7}first auth token: accepted; the account is active$/m);
    expect(report).to.match(/^ {2}WARNING {2}second auth token: .*20003.*after the rotation$/m);
    expect(report).to.match(/^ {2}ok {7}API key: accepted$/m);
    for (const secret of [AUTH_TOKEN, OTHER_TOKEN, KEY_SECRET]) expect(report).not.to.contain(secret);
  });

  it('checks the key and the messaging profile of a Telnyx account, and prints what to configure', async () => {
    const telnyx = {
      ...{ SMS_PROVIDERS: 'telnyx', TELNYX_URL: `${simulator.url}/telnyx`, TELNYX_API_KEY: AUTH_TOKEN },
      ...{ TELNYX_PUBLIC_KEY: PUBLIC_KEY, TELNYX_MESSAGING_PROFILE_ID: PROFILE_ID },
    };
    const { code, report } = await doctor(telnyx);
    expect(code, report).to.equal(0);
    expect(report).to.match(/^ {2}ok {7}API key: accepted; the messaging profile exists$/m);
    expect(report)
      .to.match(/\/api\/webhooks\/telnyx$/m)
      .and.to.contain('webhook API version 2');
    const wrong = await doctor({ ...telnyx, TELNYX_API_KEY: OTHER_TOKEN });
    expect(wrong.code).to.equal(1);
    expect(wrong.report).to.match(/^ {2}FAULT {4}API key: .*10009.*\. Correct TELNYX_API_KEY$/m);
    const other = await doctor({ ...telnyx, TELNYX_MESSAGING_PROFILE_ID: PROFILE_ID.replace('4', '5') });
    expect(other.report).to.match(/^ {2}FAULT {4}messaging profile: .*Correct TELNYX_MESSAGING_PROFILE_ID/m);
    for (const secret of [AUTH_TOKEN, OTHER_TOKEN]) expect(report + wrong.report).not.to.contain(secret);
  });

  it('warns about webhooks that anybody can send, and about receipts and emails that cannot arrive', async () => {
    const accounts = {
      ...{ SMS_PROVIDERS: 'acme', ACME_URL: simulator.url, ACME_KEY: AUTH_TOKEN },
      ...{
        EMAIL_PROVIDERS: 'resend,mail_ses,smtp',
        PUBLIC_URL: 'https://messaging.invalid',
        MAIL_SES_KIND: 'ses',
      },
      ...{ RESEND_URL: `${simulator.url}/resend`, RESEND_API_KEY: AUTH_TOKEN },
      ...{ MAIL_SES_URL: `${simulator.url}/ses`, MAIL_SES_REGION: 'us-east-1' },
      ...{ MAIL_SES_ACCESS_KEY_ID: 'AKIASIMULATOR0000000', MAIL_SES_SECRET_ACCESS_KEY: AUTH_TOKEN },
      SMTP_URL: `smtps://127.0.0.1:${await freePort()}`,
    };
    const { report } = await doctor(accounts);
    const [resend, ses, smtp] = ['resend', 'mail_ses', 'smtp'].map(
      (name) => new RegExp(`Account ${name}: [^]*?\n\n`).exec(report)?.[0],
    );
    expect(report).to.match(/^ {2}WARNING {2}ACME_WEBHOOK_SECRETS is not set: anybody/m);
    expect(resend)
      .to.match(/^ {2}WARNING {2}RESEND_WEBHOOK_SECRETS is not set: anybody/m)
      .and.to.match(/set RESEND_WEBHOOK_SECRETS to/);
    expect(ses).to.match(/^ {2}WARNING {2}MAIL_SES_TOPIC_ARNS is not set: .* never arrive$/m);
    for (const section of [resend, ses])
      expect(section).to.match(/^ {2}WARNING {2}MIME_WEBHOOK_SECRETS is not set: replies from/m);
    expect(smtp).to.match(/WARNING {2}MIME_WEBHOOK_SECRETS is not set: replies and bounces/);
    expect(smtp).not.to.contain('Webhook URL');
    const secret = `whsec_${Buffer.alloc(24, 's').toString('base64')}`;
    const set = await doctor({
      ...{ ...accounts, MIME_WEBHOOK_SECRETS: secret, ACME_WEBHOOK_SECRETS: secret },
      ...{ RESEND_WEBHOOK_SECRETS: secret, MAIL_SES_TOPIC_ARNS: 'arn:aws:sns:us-east-1:123456789012:ses' },
    });
    expect(set.report)
      .to.match(/Webhook URL +https:\/\/messaging\.invalid\/api\/webhooks\/mime$/m)
      .and.not.to.contain('is not set');
  });

  it('compares the private key with the public key of the application at Vonage', async () => {
    const sandbox = await startSimulator(SIMULATED);
    try {
      const vonage = {
        ...{ SMS_PROVIDERS: 'vonage', ...vonageAccount(`${sandbox.url}/vonage`) },
        VONAGE_API_SECRET: API_SECRET,
      };
      const good = await doctor(vonage);
      expect(good.code, good.report).to.equal(0);
      expect(good.report)
        .to.match(/^ {2}ok {7}application: found; its public key belongs to the private key$/m)
        .and.to.match(/In the Vonage dashboard, open the application/)
        .and.to.match(/^ {2}Signature secrets +1$/m);
      for (const secret of [API_SECRET, SIGNATURE_SECRET, PRIVATE_KEY.slice(60, 100)])
        expect(good.report).not.to.contain(secret);
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
      const otherKey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      const otherId = APPLICATION_ID.replace('a', 'b');
      const cases: [changes: Record<string, string>, fault: RegExp][] = [
        [
          { VONAGE_PRIVATE_KEY: otherKey },
          /its public key belongs to another private key\. Correct VONAGE_PRIVATE_KEY or VONAGE_PRIVATE_KEY_FILE$/m,
        ],
        [
          { VONAGE_APPLICATION_ID: otherId },
          /the account has no application \S+\. Correct VONAGE_APPLICATION_ID or VONAGE_URL$/m,
        ],
        [
          { VONAGE_API_SECRET: 'another-secret' },
          /application: .*HTTP 401.*\. Correct VONAGE_API_SECRET or VONAGE_API_KEY$/m,
        ],
        [{ VONAGE_URL: sandbox.url }, /the account has no application .*VONAGE_URL$/m],
      ];
      for (const [changes, fault] of cases) {
        const { code, report } = await doctor({ ...vonage, ...changes });
        expect(code, report).to.equal(1);
        expect(report)
          .to.match(/^ {2}FAULT {4}application: /m)
          .and.to.match(fault);
      }
      const { VONAGE_API_SECRET: _secret, ...unchecked } = vonage;
      expect((await doctor(unchecked)).report).not.to.contain('application: ');
    } finally {
      await sandbox.stop();
    }
  });

  it('checks the key of a standard account by look-up, and hides the credentials of its URL', async () => {
    const settings = {
      SMS_PROVIDERS: 'acme,other',
      ACME_KEY: AUTH_TOKEN,
      OTHER_KEY: 'wrong',
      OTHER_URL: simulator.url,
    };
    const { code, report } = await doctor({
      ...{ ...settings, ACME_URL: simulator.url.replace('//', '//user:hidden@') },
      EMAIL_PROVIDERS: 'mail',
      ...{ MAIL_URL: simulator.url, MAIL_KEY: AUTH_TOKEN, MAIL_CAN_LOOK_UP: 'false' },
    });
    expect(code).to.equal(1);
    expect(report).to.match(/Account acme: [\s\S]*?ok {7}look-up: the key is accepted\n/);
    expect(report).to.match(/Account other: [\s\S]*?FAULT {4}look-up: .*401.*\. Correct OTHER_KEY\n/);
    expect(report).to.match(/Account mail: [\s\S]*?ok {7}credentials: not checked/);
    expect(report).not.to.contain('hidden').and.not.to.contain(AUTH_TOKEN);
  });

  it('names the URL if it has the wrong path, the wrong protocol or a host that does not exist', async () => {
    const { code, report } = await doctor({
      ...{ SMS_PROVIDERS: 'twilio_a,twilio_b,twilio_c' },
      ...{ TWILIO_A_URL: `${simulator.url}/wrong`, TWILIO_B_URL: simulator.url.replace('http:', 'https:') },
      ...{ TWILIO_C_URL: 'https://twilio.invalid' },
      ...Object.fromEntries(
        ['A', 'B', 'C'].flatMap((name) => [
          [`TWILIO_${name}_ACCOUNT_SID`, ACCOUNT_SID],
          [`TWILIO_${name}_AUTH_TOKEN`, AUTH_TOKEN],
        ]),
      ),
    });
    expect(code).to.equal(1);
    expect(report).to.match(/^ {2}FAULT {4}auth token: .*HTTP 404.*\. Correct TWILIO_A_URL$/m);
    expect(report).to.match(/^ {2}FAULT {4}auth token: .*\. Correct TWILIO_B_URL or the certificate$/m);
    expect(report).to.match(/^ {2}FAULT {4}auth token: .*check the network connection and TWILIO_C_URL$/m);
    expect(report).not.to.match(/Correct \w+_(AUTH_TOKEN|ACCOUNT_SID)/);
    expect(report).to.match(/WARNING {2}PUBLIC_URL is not set or names this machine/);
  });

  describe('with a provider that never responds', () => {
    let provider: ProviderServer;
    before(async () => {
      provider = await startProviderServer(() => undefined);
    });
    after(() => provider.stop());

    it('ends with a fault', async () => {
      const { code, report } = await doctor({
        ...twilio(),
        TWILIO_URL: provider.url,
        PROVIDER_TIMEOUT_MS: '300',
      });
      expect(code).to.equal(1);
      expect(report).to.match(
        /^ {2}FAULT {4}auth token: .*etimedout.*cannot reach the provider: check the network connection and TWILIO_URL$/m,
      );
    });

    it('warns about a public URL that does not lead to a service', async () => {
      const { code, report } = await doctor({
        ...{ ...twilio(), SIMULATE: 'postmark', PUBLIC_URL: 'https://messaging.invalid' },
      });
      expect(code, report).to.equal(0);
      expect(report).to.match(
        /^ {2}WARNING {2}https:\/\/messaging\.invalid\/healthz: \w+ \(from this machine\)$/m,
      );
      expect(report).to.match(/^ {2}WARNING {2}PUBLIC_URL: without API_KEYS.* 403: set API_KEYS/m);
      expect(report).to.match(/Webhook URL +https:\/\/messaging\.invalid\/api\/webhooks\/twilio\n/);
      expect(report).to.match(/In the Twilio console, set "A message comes in"/);
      expect(report).to.match(
        /Inbound email URL +https:\/\/messaging\.invalid\/api\/webhooks\/postmark\/inbound\n/,
      );
    });
  });

  describe('while a service runs with the same settings', () => {
    let running: Running;
    before(async () => {
      // Free just before the start: other programs may have used the earlier ports in the meantime.
      environment.PORT = String(await freePort());
      environment.SIMULATOR_PORT = String(await freePort());
      Object.assign(environment, twilio(), {
        PUBLIC_URL: `http://0.0.0.0:${environment.PORT}`,
        ALLOWED_HOSTS: '0.0.0.0',
      });
      running = await startProcess(environment);
    });
    after(async () => {
      if (running?.child.exitCode === null) await running.signal('SIGTERM');
    });

    it('checks its database and its health', async () => {
      const { code, report } = await command();
      expect(code, report).to.equal(0);
      expect(report)
        .to.match(/^ {2}ok {7}reachable$/m)
        .and.to.match(/^ {2}ok {7}migrated$/m);
      expect(report).to.match(/^ {2}ok {7}a service answers at/m);
      expect(report).to.match(/^ {2}ok {7}http:\/\/0\.0\.0\.0:\d+\/healthz answers$/m);
      expect((await fetch(`${running.url}/readyz`)).status).to.equal(200);
    });

    it('prints the webhook URLs that the service logged at its start', async () => {
      const { report } = await doctor();
      const logged = [...running.output.stdout.matchAll(/"url":"([^"]+)","msg":"webhook URL"/g)];
      expect(logged.map(([, url]) => url)).to.deep.equal([
        `http://0.0.0.0:${environment.PORT}/api/webhooks/twilio`,
        `http://0.0.0.0:${environment.PORT}/api/webhooks/email-simulator`,
      ]);
      for (const [, url] of logged) expect(report).to.contain(`Webhook URL`).and.to.contain(url);
    });

    it('says that the database was not checked after the end of the service', async () => {
      await running.signal('SIGTERM');
      const { code, report } = await doctor();
      expect(code, report).to.equal(0);
      expect(report).to.match(/the service does not run: not checked/);
    });
  });
});
