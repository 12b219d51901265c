import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { StartError } from '../../src/errors.ts';
import type { StandardSettings } from '../../src/providers/standard/config.ts';
import { loadConfig } from '../../src/service/service.ts';

const reasons = (environment: Record<string, string>): string[] => {
  try {
    loadConfig(environment);
    return [];
  } catch (error) {
    return (error as StartError).reasons;
  }
};

const provider = (name: string) => ({
  [`${name}_URL`]: 'https://api.example.com',
  [`${name}_KEY`]: 'key',
  [`${name}_WEBHOOK_SECRETS`]: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
});

describe('Configuration', () => {
  it('has defaults for every variable in development', () => {
    const config = loadConfig({});
    expect(config).to.deep.include({
      production: false,
      role: 'all',
      host: '127.0.0.1',
      port: 8080,
      databaseUrl: null,
      defaultRegion: 'US',
      allowedCountries: null,
    });
    expect(config.simulator?.port).to.equal(8081);
    expect(config.accounts.map(({ name, simulated }) => [name, simulated])).to.deep.equal([
      ['sms-simulator', true],
      ['email-simulator', true],
    ]);
  });

  it('reads the providers of each channel in order', () => {
    const { accounts, simulator } = loadConfig({
      SMS_PROVIDERS: 'acme, back-up',
      EMAIL_PROVIDERS: 'post',
      ...provider('ACME'),
      ...provider('BACK_UP'),
      ...provider('POST'),
      ACME_IDEMPOTENCY_KEYS: 'false',
    });
    expect(
      accounts.map(({ name, channel, kind, settings }) => [
        `${channel} ${name} ${kind}`,
        (settings as StandardSettings).supportsIdempotencyKeys,
      ]),
    ).to.deep.equal([
      ['sms acme standard', false],
      ['sms back-up standard', true],
      ['email post standard', true],
    ]);
    expect(simulator).to.equal(null);
  });

  it('reports all invalid variables at once', () => {
    expect(
      reasons({
        PORT: 'eighty',
        ROLE: 'boss',
        DATABASE_URL: 'nowhere',
        API_KEYS: 'short',
        DEFAULT_REGION: 'XX',
        SMS_PROVIDERS: 'acme',
        ACME_WEBHOOK_SECRETS: 'secret',
        PROVIDER_TIMEOUT_MS: '0',
      }).map((reason) => reason.split(':')[0]),
    ).to.have.members([
      'PORT',
      'ROLE',
      'DATABASE_URL',
      'API_KEYS',
      'DEFAULT_REGION',
      'ACME_URL',
      'ACME_KEY',
      'ACME_WEBHOOK_SECRETS',
      'PROVIDER_TIMEOUT_MS',
    ]);
  });

  it('reads ALLOWED_COUNTRIES as codes in upper case, with 001 for numbers without a country', () => {
    const read = (value: string) => loadConfig({ ALLOWED_COUNTRIES: value }).allowedCountries;
    expect(read('US, CA,001')).to.deep.equal(['US', 'CA', '001']);
    expect(read('')).to.equal(null);
    for (const value of ['us', 'USA', 'XX', 'US,+1', '002', 'US;CA', '1'])
      expect(reasons({ ALLOWED_COUNTRIES: value })[0], value).to.match(
        /^ALLOWED_COUNTRIES: ".*" is not an ISO 3166 country code/,
      );
    expect(reasons({ ALLOWED_COUNTRIES: ',' })).to.have.length(1);
  });

  it('reads the ages at which messages are removed, and refuses an age that has no effect', () => {
    expect(loadConfig({ RETENTION_DAYS_MEDIA: '30' }).retentionDays).to.deep.equal({
      ...{ bodies: null, messages: null, media: 30 },
    });
    const days = { RETENTION_DAYS_BODIES: '91', RETENTION_DAYS_MESSAGES: '90', RETENTION_DAYS_MEDIA: '90' };
    expect(reasons(days)).to.deep.equal([
      'RETENTION_DAYS_BODIES: 91 must be at most RETENTION_DAYS_MESSAGES, because messages are deleted after 90 days',
    ]);
    expect(reasons({ RETENTION_DAYS_MESSAGES: '0' })).to.have.length(1);
  });

  it('requires API keys, webhook secrets and real providers in production', () => {
    expect(reasons({ NODE_ENV: 'production' })).to.have.members([
      'API_KEYS: API_KEYS or API_KEYS_FILE must be set in production',
      'CONSENT_KEY: must be set in production',
      'SECRET_KEYS: must be set in production',
      'SMS_PROVIDERS: must be set in production',
      'EMAIL_PROVIDERS: must be set in production',
    ]);
    const complete = {
      NODE_ENV: 'production',
      CONSENT_KEY: 'a-consent-key-for-production-0123456',
      SECRET_KEYS: 'a-secret-key-for-production-0123456',
      HOST: '0.0.0.0',
      API_KEYS: 'a:long-enough-key',
      SMS_PROVIDERS: 'acme',
      EMAIL_PROVIDERS: 'post',
      ...provider('ACME'),
      ...provider('POST'),
    };
    expect(reasons(complete)).to.deep.equal([]);
    expect(reasons({ ...complete, ACME_WEBHOOK_SECRETS: '' })).to.deep.equal([
      'ACME_WEBHOOK_SECRETS: must be set in production',
    ]);
  });

  it('requires API keys if HOST is not a loopback address', () => {
    expect(reasons({ HOST: '0.0.0.0' })[0]).to.match(/^HOST:/);
    expect(reasons({ HOST: '0.0.0.0', API_KEYS: 'a:long-enough-key' })).to.deep.equal([]);
    expect(reasons({ HOST: '::1' })).to.deep.equal([]);
  });

  it('reports an invalid variable once', () => {
    expect(reasons({ NODE_ENV: 'production', API_KEYS: 'short', SMS_PROVIDERS: '?' })).to.satisfy(
      (all: string[]) => all.filter((reason) => /^(API_KEYS|SMS_PROVIDERS):/.test(reason)).length === 2,
    );
    expect(reasons({ HOST: '0.0.0.0', API_KEYS: 'short' })).to.have.length(1);
  });

  it('refuses a misspelt NODE_ENV', () => {
    expect(reasons({ NODE_ENV: 'Production' })[0]).to.match(/^NODE_ENV:/);
  });

  for (const [part, rest] of [
    ['user', 'us%er:secret@h/d'],
    ['user', 'us%FFer:secret@h/d'],
    ['password', 'user:secret%@h/d'],
    ['database', 'user:secret@h/d%b'],
    ['port', 'user:secret@h/d?port=abc'],
    ['port', 'user:secret@h/d?port=65536'],
    ['port', 'user:secret@h/d?port=-1'],
    ['port', 'user:secret@h:0/d'],
  ])
    for (const variable of ['DATABASE_URL', 'DATABASE_DIRECT_URL'])
      it(`names the invalid part of ${variable}: ${rest}`, () => {
        const urls = { DATABASE_URL: 'postgres://h/d', [variable]: `postgres://${rest}` };
        const [reason = '', ...more] = reasons(urls);
        expect(reason)
          .to.match(new RegExp(`^${variable}: has a ${part} that is not `))
          .and.not.to.contain('secret');
        expect(more).to.deep.equal([]);
      });

  it('accepts a database URL with percent-encoded parts, a socket or a port', () => {
    for (const rest of [
      'us%25er:p%40w@h/d%25b',
      '%2Fvar%2Frun/d',
      'h/d?host=/var/run&port=65535',
      'h:1/d',
      '/d?port=',
    ])
      expect(reasons({ DATABASE_URL: `postgres://${rest}` }), rest).to.deep.equal([]);
  });

  it('does not print passwords, keys or secrets in error messages', () => {
    const environment = {
      DATABASE_URL: 'user:secret@host/database',
      API_KEYS: 'name:secret',
      SMS_PROVIDERS: 'acme',
      ...provider('ACME'),
      ACME_URL: '//user:secret@host',
      ACME_WEBHOOK_SECRETS: 'secret',
    };
    const found = reasons(environment);
    expect(found).to.have.length(4);
    expect(found.join()).not.to.contain('secret@').and.not.to.contain('name:secret');
  });

  describe('API_KEYS_FILE', () => {
    let directory: string;
    let file: string;
    before(() => {
      directory = mkdtempSync(join(tmpdir(), 'messaging-config-'));
      file = join(directory, 'keys');
    });
    after(() => rmSync(directory, { recursive: true }));

    it('accepts one or several keys per line, and comments', () => {
      writeFileSync(
        file,
        '# ours\nfirst:long-enough-1\n\n  long-enough-2 , third:long-enough-3:read+send\r\n',
      );
      const { apiKeys, apiKeysFile } = loadConfig({ API_KEYS_FILE: file });
      expect(apiKeys).to.deep.equal([
        { name: 'first', key: 'long-enough-1', scopes: ['read', 'send', 'admin'] },
        { name: 'key-2', key: 'long-enough-2', scopes: ['read', 'send', 'admin'] },
        { name: 'third', key: 'long-enough-3', scopes: ['read', 'send'] },
      ]);
      expect(apiKeysFile).to.equal(file);
    });

    for (const [title, text] of [
      ['no key', '# none\n'],
      ['a short key', 'first:long-enough\nsecond:short\n'],
    ] as const) {
      it(`refuses a file with ${title}`, () => {
        writeFileSync(file, text);
        const [reason, ...others] = reasons({ NODE_ENV: 'development', API_KEYS_FILE: file });
        expect(reason)
          .to.match(/^API_KEYS_FILE: /)
          .and.not.to.contain('second:short');
        expect(others).to.deep.equal([]);
      });
    }

    it('refuses a missing file, and API_KEYS at the same time', () => {
      expect(reasons({ API_KEYS_FILE: join(directory, 'none') })[0]).to.match(/^API_KEYS_FILE: ENOENT/);
      writeFileSync(file, 'first:long-enough');
      expect(reasons({ API_KEYS_FILE: file, API_KEYS: 'second:long-enough' })).to.have.length(1);
    });
  });

  it('refuses the same name for two providers', () => {
    expect(reasons({ SMS_PROVIDERS: 'acme', EMAIL_PROVIDERS: 'acme', ...provider('ACME') })).to.have.length(
      1,
    );
  });

  it('refuses the same port for the service and the simulator', () => {
    expect(reasons({ PORT: '8081' })).to.deep.equal([
      'PORT: is 8081, the same as SIMULATOR_PORT: set one of them to another port',
    ]);
    const real = { SMS_PROVIDERS: 'acme', EMAIL_PROVIDERS: 'post', ...provider('ACME'), ...provider('POST') };
    expect(reasons({ PORT: '8081', ...real })).to.deep.equal([]);
  });

  it('refuses a metrics token without API keys, that is also an API key, or that is short', () => {
    const reasonsFor = (METRICS_TOKEN: string, keys: Record<string, string>) =>
      reasons({ METRICS_TOKEN, ...keys });
    const keys = { API_KEYS: 'shop:correct-horse-battery' };
    expect(reasonsFor('a-metrics-token', keys)).to.deep.equal([]);
    expect(reasonsFor('a-metrics-token', {})).to.deep.equal([
      'METRICS_TOKEN: requires API_KEYS or API_KEYS_FILE: without them, /metrics is open',
    ]);
    expect(reasonsFor('correct-horse-battery', keys)).to.deep.equal([
      'METRICS_TOKEN: is also an API key: a metrics token gives access to the metrics only',
    ]);
    for (const token of ['short', 'with a space', 'correct-horse-b\u00e4ttery'])
      expect(reasonsFor(token, keys)).to.deep.equal([
        'METRICS_TOKEN: is not at least 8 printable characters',
      ]);
  });

  it('throws a StartError', () => {
    expect(() => loadConfig({ PORT: '-1' })).to.throw(StartError, /PORT/);
  });

  it('reads the private hosts of endpoints: names, addresses and ranges', () => {
    const hosts = 'APP.internal, localhost.,10.0.0.0/8,127.0.0.1,FD00::/8,::1,a_b';
    expect(loadConfig({ ALLOWED_PRIVATE_HOSTS: hosts }).allowedPrivateHosts).to.deep.equal([
      ...['app.internal', 'localhost', '10.0.0.0/8', '127.0.0.1', 'fd00::/8', '::1', 'a_b'],
    ]);
    expect(loadConfig({}).allowedPrivateHosts).to.deep.equal([]);
    for (const entry of [
      ...[
        '10.0.0.0/33',
        '::/129',
        '10.0.0.0/',
        '10.0.0.0/8/8',
        '10/8',
        '10.0.0',
        '256.0.0.1',
        'fe80::1%eth0',
        '::ffff:10.0.0.0/104',
      ],
      ...['*.internal', 'app:3000', 'http://app', 'app/path', 'a b', '[::1]', 'user@app', 'bücher.example'],
    ])
      expect(reasons({ ALLOWED_PRIVATE_HOSTS: entry }), entry).to.deep.equal([
        `ALLOWED_PRIVATE_HOSTS: "${entry}" is not a host name, an IP address or a range such as 10.0.0.0/8`,
      ]);
  });
});
