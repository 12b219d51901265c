import { expect } from 'chai';
import { editDistance } from '../../src/config/edit-distance.ts';
import { parseEnvFile } from '../../src/config/env-file.ts';
import { withVerification } from '../../src/config/tls-parameters.ts';
import { StartError } from '../../src/errors.ts';
import { KINDS } from '../../src/providers/registry.ts';
import { loadConfig } from '../../src/service/service.ts';

/** The kinds of SMS providers, as the errors name them. */
const SMS_KINDS = KINDS.filter(({ config }) => config.channels.includes('sms'))
  .map(({ config }) => config.name)
  .join(', ');

const errors = (environment: Record<string, string>, file?: string): string[] => {
  try {
    loadConfig(environment, file === undefined ? null : parseEnvFile('.env', file));
    return [];
  } catch (error) {
    expect(error).to.be.instanceOf(StartError);
    return (error as StartError).reasons;
  }
};
const acme = { SMS_PROVIDERS: 'acme', ACME_URL: 'https://api.example.com', ACME_KEY: 'key' };

describe('The check for unknown variables', () => {
  for (const [name, meant] of [
    ['DATABSE_URL', 'DATABASE_URL'],
    ['DATABASE_URI', 'DATABASE_URL'],
    ['DATABASE_URL ', 'DATABASE_URL'],
    ['DATABASE-URL', 'DATABASE_URL'],
    ['database_url', 'DATABASE_URL'],
    ['API_KEY_FILE', 'API_KEYS_FILE'],
    ['SMS_PROVIDER', 'SMS_PROVIDERS'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['NODE_EVN', 'NODE_ENV'],
    ['DATABASE_POOLSIZE', 'DATABASE_POOL_SIZE'],
    ['ENV_FIEL', 'ENV_FILE'],
    ['SIMULATOR_HOTS', 'SIMULATOR_HOST'],
    ['API_KEY', 'API_KEYS'],
  ] as const) {
    it(`refuses a misspelt variable and names the likely variable: "${name}"`, () => {
      expect(errors({ [name]: 'a-secret' })).to.deep.equal([
        `${name}: unknown variable. Did you mean ${meant}?`,
      ]);
      if (name.trim() === name)
        expect(errors({}, `\n${name}=a-secret`)).to.deep.equal([
          `${name}: unknown variable in .env, line 2. Did you mean ${meant}?`,
        ]);
    });
  }

  it('allows API_KEY, a variable of clients, in the environment of a service with API_KEYS', () => {
    const keys = 'shop:long-enough-key';
    expect(errors({ API_KEY: 'a-secret', API_KEYS: keys })).to.deep.equal([]);
    expect(errors({ API_KEY: 'a-secret' }, `API_KEYS=${keys}`)).to.deep.equal([]);
    expect(errors({ API_KEYS: keys }, 'API_KEY=a-secret')).to.deep.equal([
      'API_KEY: unknown variable in .env, line 1. Did you mean API_KEYS?',
    ]);
  });

  it('allows environment variables whose name is short or not similar to a known name', () => {
    const dissimilar = {
      PROT: '1',
      HOSTS: 'x',
      ROLES: 'x',
      HOSTNAME: 'pod-1',
      DATABASE: 'x',
      POSTGRES_URL: 'x',
      URL: 'x',
    };
    const tools = {
      npm_config_cache: 'x',
      npm_package_name: 'x',
      NODE_OPTIONS: '',
      NODE_VERSION: '24',
      TERM: 'xterm',
    };
    expect(
      errors({ ...dissimilar, ...tools, PATH: '/bin', HOME: '/root', LC_ALL: 'C', http_proxy: 'x' }),
    ).to.deep.equal([]);
  });

  it('refuses every unknown variable in .env, even if no known name is similar', () => {
    expect(
      errors({}, 'PROT=1\nFOO=bar\nNODE_OPTIONS=--inspect\nTEXT_CO_URL=https://a.example'),
    ).to.deep.equal([
      'FOO: unknown variable in .env, line 2.',
      'NODE_OPTIONS: unknown variable in .env, line 3. Node.js reads this variable at its start; set the variable in the environment.',
      'PROT: unknown variable in .env, line 1. Did you mean PORT?',
      'TEXT_CO_URL: unknown variable in .env, line 4. Is text-co missing in SMS_PROVIDERS or EMAIL_PROVIDERS?',
    ]);
  });

  it('explains in .env that a variable is for a separate simulator', () => {
    const only = 'Only a separate simulator reads this variable (docs/simulator.md).';
    expect(errors({}, 'SIMULATOR_PORT=8082\nSIMULATOR_API_KEY=sandbox-key\nSIMULATOR_SEED=2')).to.deep.equal([
      `SIMULATOR_API_KEY: unknown variable in .env, line 2. ${only}`,
      `SIMULATOR_SEED: unknown variable in .env, line 3. ${only}`,
    ]);
    expect(errors({ SIMULATOR_API_KEY: 'sandbox-key' })).to.deep.equal([]);
  });

  it('allows variables of docker compose in .env', () => {
    expect(errors({}, 'COMPOSE_PROFILES=service')).to.deep.equal([]);
  });

  it('refuses a variable that is similar to a setting of a configured account', () => {
    for (const [name, meant] of [
      ['ACME_PERSECOND', 'ACME_PER_SECOND'],
      ['ACME_WEBHOOK_SECRET', 'ACME_WEBHOOK_SECRETS'],
      ['ACME_IDEMPOTENCY_KEY', 'ACME_IDEMPOTENCY_KEYS'],
      ['ACME_CANLOOKUP', 'ACME_CAN_LOOK_UP'],
      ['AMCE_PER_SECOND', 'ACME_PER_SECOND'],
    ] as const)
      expect(errors({ ...acme, [name]: '5' })).to.deep.equal([
        `${name}: unknown variable. Did you mean ${meant}?`,
      ]);
    expect(
      errors({ SMS_PROVIDERS: 'aws', AWS_URI: 'https://api.example.com', AWS_KEY: 'key' }),
    ).to.deep.equal([
      `AWS_URL: is not set, and the kind standard requires it (kinds of sms providers: ${SMS_KINDS})`,
    ]);
    expect(errors(acme, 'ACME_COLOUR=red')).to.deep.equal(['ACME_COLOUR: unknown variable in .env, line 1.']);
  });

  for (const [account, names] of Object.entries({
    aws: ['AWS_REGION', 'AWS_EXECUTION_ENV', 'AWS_CA_BUNDLE', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
    http: ['HTTP_PROXY'],
    google: ['GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_CLOUD_PROJECT'],
    ssh: ['SSH_TTY', 'SSH_CLIENT', 'SSH_AUTH_SOCK'],
    lc: ['LC_ALL', 'LC_CTYPE'],
    node: ['NODE_OPTIONS', 'NODE_VERSION', 'NODE_EXTRA_CA_CERTS'],
    acme: ['ACME_PORT'],
  }))
    it(`allows variables of the platform that start with the name of an account: ${names[0]}`, () => {
      const prefix = account.toUpperCase();
      const settings = { [`${prefix}_URL`]: 'https://api.example.com', [`${prefix}_KEY`]: 'key' };
      const platform = Object.fromEntries(names.map((name) => [name, 'x']));
      expect(errors({ EMAIL_PROVIDERS: account, ...settings, ...platform })).to.deep.equal([]);
    });

  it('allows variables that Kubernetes sets for a service with the name of an account', () => {
    const links = {
      ACME_PORT: 'tcp://10.0.0.1:443',
      ACME_SERVICE_HOST: '10.0.0.1',
      ACME_SERVICE_PORT: '443',
      ACME_SERVICE_PORT_HTTPS: '443',
      ACME_PORT_443_TCP: 'tcp://10.0.0.1:443',
      ACME_PORT_443_TCP_PROTO: 'tcp',
      ACME_PORT_443_TCP_PORT: '443',
      ACME_PORT_443_TCP_ADDR: '10.0.0.1',
      SIMULATOR_PORT: 'tcp://10.0.0.2:8081',
      SIMULATR_PORT: 'tcp://10.0.0.2:8081',
    };
    expect(errors({ ...acme, ...links })).to.deep.equal([]);
    expect(loadConfig(links).simulator?.port).to.equal(8081);
  });

  it('ignores empty variables', () => {
    expect(
      errors({ DATABSE_URL: '', PORT: '', API_KEYS: '', SMS_PROVIDERS: '' }, 'FOO=\nDATABASE_URL='),
    ).to.deep.equal([]);
    expect(loadConfig({ PORT: '' }, parseEnvFile('.env', 'PORT=9000')).port).to.equal(9000);
    expect(loadConfig({ PORT: '9001' }, parseEnvFile('.env', 'PORT=9000')).port).to.equal(9001);
  });

  it('reports unknown variables together with all other errors, sorted by name', () => {
    expect(
      errors(
        { ROLE: 'boss', API_KEYS: ',', DATABSE_URL: 'x', PORT: 'x', ...acme, ACME_WEBHOOK_SECRETS: ' , ' },
        'HOTS=x\nnonsense',
      ).map((reason) => reason.split(':')[0]),
    ).to.deep.equal(['ACME_WEBHOOK_SECRETS', 'API_KEYS', 'DATABSE_URL', 'ENV_FILE', 'HOTS', 'PORT', 'ROLE']);
  });
});

describe('A list without an entry', () => {
  for (const name of ['API_KEYS', 'SMS_PROVIDERS', 'EMAIL_PROVIDERS'])
    for (const value of [',', ' ', ' , ,', '\n'])
      it(`stops the start: ${name}=${JSON.stringify(value)}`, () => {
        const [error, ...more] = errors({ [name]: value });
        expect(error).to.match(new RegExp(`^${name}: is a list without an? (entry|key)`));
        expect(more).to.deep.equal([]);
      });
});

describe('A TLS parameter of DATABASE_URL', () => {
  it('stops the start if its name or value is unknown', () => {
    for (const parameter of [
      'ssl_mode=require',
      'SSLMODE=require',
      'sslmode=requir',
      'sslmode=',
      'tls=true',
      'sslcrl=x',
    ])
      expect(errors({ DATABASE_URL: `postgres://u:secret@h/d?${parameter}` })[0], parameter)
        .to.match(/^DATABASE_URL: has /)
        .and.not.to.contain('secret');
    expect(errors({ DATABASE_URL: 'postgres://u@h/d?sslmode=verify-full&application_name=a' })).to.deep.equal(
      [],
    );
  });

  it('becomes sslmode=verify-full for every mode that the driver treats as verify-full', () => {
    for (const mode of ['prefer', 'require', 'verify-ca', 'verify-full'])
      expect(withVerification(`postgres://h/d?a=b&sslmode=${mode}&c=d`)).to.equal(
        'postgres://h/d?a=b&sslmode=verify-full&c=d',
      );
    for (const url of [
      'postgres://h/d?sslmode=no-verify',
      'postgres://h/d?uselibpqcompat=true&sslmode=require',
    ])
      expect(withVerification(url)).to.equal(url);
  });
});

describe('The edit distance', () => {
  it('counts inserted, deleted and replaced characters', () => {
    expect(editDistance('', 'abc')).to.equal(3);
    expect(editDistance('kitten', 'sitting')).to.equal(3);
    expect(editDistance('DATABSE_URL', 'DATABASE_URL')).to.equal(1);
  });
});
