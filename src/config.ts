import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import {
  bool,
  type CleanedEnv,
  customCleanEnv,
  EnvError,
  makeValidator,
  port,
  str,
  type ValidatorSpec,
} from 'envalid';
import { type CountryCode, isSupportedCountry } from 'libphonenumber-js';
import { type ApiKey, parseApiKeys, readApiKeys } from './api-keys.ts';
import { prefixOf, unsafe } from './config-safety.ts';
import { StartError } from './errors.ts';

export type Channel = 'sms' | 'email';
export type Role = 'all' | 'api' | 'worker';

export interface ProviderConfig {
  name: string;
  channel: Channel;
  url: string;
  key: string;
  /** Standard Webhooks secrets (`whsec_…`), two during a rotation. */
  webhookSecrets: string[];
  /** Whether the provider drops repeats of one Idempotency-Key. */
  honoursKeys: boolean;
  /** Whether a message can be looked up at the provider by its Idempotency-Key. */
  canLookUp: boolean;
  /** Messages a second at the most, by all workers together; null for no limit. */
  perSecond: number | null;
  /** The same for each number or address that messages are sent from. */
  perSecondPerSender: number | null;
  simulated: boolean;
}

export interface Config {
  production: boolean;
  role: Role;
  host: string;
  port: number;
  /** Null: an embedded PostgreSQL in `dataDir`. */
  databaseUrl: string | null;
  dataDir: string;
  apiKeys: ApiKey[];
  /** Where they are read from again when they change; null where they are given by themselves. */
  apiKeysFile: string | null;
  /** Requests a second that each key may make of this process; null for no limit. */
  rateLimit: number | null;
  /** How long a request may take to arrive, in milliseconds. */
  requestTimeoutMs: number;
  /** In the order in which they are tried, for each channel. */
  providers: ProviderConfig[];
  /** Null where every channel has a real provider. */
  simulatorPort: number | null;
  defaultRegion: CountryCode;
  logLevel: string;
  providerTimeoutMs: number;
  deliveryConcurrency: number;
  /** How long a stop waits for the work in hand, in milliseconds. */
  stopTimeoutMs: number;
}

type Environment = Record<string, string | undefined>;

const list = makeValidator((input) =>
  input
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);
/** A URL may hold a password: it is not repeated. */
const urlOf = (...protocols: string[]) =>
  makeValidator((input) => {
    if (!protocols.some((protocol) => input.startsWith(`${protocol}://`)) || !URL.canParse(input))
      throw new EnvError(`is not a URL that begins with ${protocols.join(':// or ')}://`);
    return input;
  });
const webUrl = urlOf('https', 'http');
const databaseUrl = urlOf('postgres', 'postgresql');
const region = makeValidator((input) => {
  if (!isSupportedCountry(input)) throw new EnvError(`"${input}" is not an ISO 3166 country code such as US`);
  return input;
});
const positive = makeValidator((input) => {
  const value = Number(input);
  if (!Number.isInteger(value) || value < 1) throw new EnvError(`"${input}" is not a whole number above 0`);
  return value;
});
const rate = makeValidator((input) => {
  const value = Number(input);
  if (!(value >= 0.001 && value <= 100_000))
    throw new EnvError(`"${input}" is not a number of messages a second, from 0.001 to 100000`);
  return value;
});
const apiKeys = makeValidator(parseApiKeys);
/** What cannot be read is a fault like any other. */
const apiKeysFile = makeValidator((path) => ({ path: resolve(path), keys: readApiKeys(path) }));
const providerNames = makeValidator((input) => {
  const names = list()._parse(input);
  const wrong = names.find((name) => !/^[a-z][a-z0-9-]{0,62}$/.test(name));
  if (wrong !== undefined)
    throw new EnvError(`"${wrong}" is not a name of lower-case letters, digits and hyphens`);
  return names;
});
const webhookSecrets = makeValidator((input) => {
  const secrets = list()._parse(input);
  const isSecret = (secret: string) =>
    secret.startsWith('whsec_') && Buffer.from(secret.slice(6), 'base64').length >= 16;
  if (!secrets.every(isSecret))
    throw new EnvError('each secret must be "whsec_" and base64 of at least 16 bytes');
  return secrets;
});

/**
 * Reads the service's configuration from the environment.
 *
 * @throws {StartError} naming every fault at once.
 */
export function loadConfig(environment: Environment): Config {
  const faults: string[] = [];
  const env = read(environment, faults, {
    NODE_ENV: str({ choices: ['development', 'test', 'production'], default: 'development' }),
    ROLE: str<Role>({ choices: ['all', 'api', 'worker'], default: 'all' }),
    HOST: str({ default: '127.0.0.1' }),
    PORT: portOrAny({ default: 8080 }),
    DATABASE_URL: databaseUrl({ default: undefined }),
    DATA_DIR: str({ default: '.data' }),
    SIMULATOR_PORT: port({ default: 8081 }),
    API_KEYS: apiKeys({ default: [] }),
    API_KEYS_FILE: apiKeysFile({ default: undefined }),
    RATE_LIMIT_PER_SECOND: positive({ default: undefined }),
    REQUEST_TIMEOUT_MS: positive({ default: 60_000 }),
    SMS_PROVIDERS: providerNames({ default: [] }),
    EMAIL_PROVIDERS: providerNames({ default: [] }),
    DEFAULT_REGION: region({ default: 'US' }),
    LOG_LEVEL: str({
      choices: ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'],
      default: 'info',
    }),
    PROVIDER_TIMEOUT_MS: positive({ default: 10_000 }),
    DELIVERY_CONCURRENCY: positive({ default: 64 }),
    STOP_TIMEOUT_MS: positive({ default: 10_000 }),
  });
  const providers = [
    ...channelProviders('sms', env.SMS_PROVIDERS ?? [], env.SIMULATOR_PORT, environment, faults),
    ...channelProviders('email', env.EMAIL_PROVIDERS ?? [], env.SIMULATOR_PORT, environment, faults),
  ];
  const config: Config = {
    production: env.NODE_ENV === 'production',
    role: env.ROLE,
    host: env.HOST,
    port: env.PORT,
    databaseUrl: env.DATABASE_URL ?? null,
    dataDir: resolve(env.DATA_DIR),
    apiKeys: env.API_KEYS_FILE?.keys ?? env.API_KEYS ?? [],
    apiKeysFile: env.API_KEYS_FILE?.path ?? null,
    rateLimit: env.RATE_LIMIT_PER_SECOND ?? null,
    requestTimeoutMs: env.REQUEST_TIMEOUT_MS,
    providers,
    simulatorPort: providers.some((provider) => provider.simulated) ? env.SIMULATOR_PORT : null,
    defaultRegion: env.DEFAULT_REGION as CountryCode,
    logLevel: env.LOG_LEVEL,
    providerTimeoutMs: env.PROVIDER_TIMEOUT_MS,
    deliveryConcurrency: env.DELIVERY_CONCURRENCY,
    stopTimeoutMs: env.STOP_TIMEOUT_MS,
  };
  if (environment.API_KEYS && environment.API_KEYS_FILE)
    faults.push('API_KEYS_FILE: is instead of API_KEYS: set one of them');
  faults.push(...unsafe(config, new Set(faults.map((fault) => fault.slice(0, fault.indexOf(':'))))));
  if (faults.length > 0) throw new StartError(faults);
  return config;
}

const portOrAny = makeValidator((input) => (input === '0' ? 0 : port()._parse(input)));

function read<T extends Record<string, ValidatorSpec<unknown>>>(
  environment: Environment,
  faults: string[],
  specs: T,
) {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  return customCleanEnv(given, specs, (cleaned) => cleaned as CleanedEnv<T>, {
    reporter: ({ errors }) => {
      for (const [name, error] of Object.entries(errors)) {
        if (error) faults.push(`${name}: ${error.name === 'EnvMissingError' ? 'is not set' : error.message}`);
      }
    },
  });
}

function channelProviders(
  channel: Channel,
  names: readonly string[],
  simulatorPort: number,
  environment: Environment,
  faults: string[],
): ProviderConfig[] {
  if (names.length === 0) return [simulatedProvider(channel, simulatorPort)];
  return names.map((name) => {
    const prefix = prefixOf(name);
    const own = Object.fromEntries(
      Object.entries(environment).flatMap(([key, value]) =>
        key.startsWith(`${prefix}_`) ? [[key.slice(prefix.length + 1), value]] : [],
      ),
    );
    const ownFaults: string[] = [];
    const env = read(own, ownFaults, {
      URL: webUrl(),
      KEY: str(),
      WEBHOOK_SECRETS: webhookSecrets({ default: [] }),
      HONOURS_KEYS: bool({ default: true }),
      CAN_LOOK_UP: bool({ default: true }),
      PER_SECOND: rate({ default: undefined }),
      PER_SECOND_PER_SENDER: rate({ default: undefined }),
    });
    faults.push(...ownFaults.map((fault) => `${prefix}_${fault}`));
    return {
      name,
      channel,
      url: env.URL,
      key: env.KEY,
      webhookSecrets: env.WEBHOOK_SECRETS ?? [],
      honoursKeys: env.HONOURS_KEYS,
      canLookUp: env.CAN_LOOK_UP,
      perSecond: env.PER_SECOND ?? null,
      perSecondPerSender: env.PER_SECOND_PER_SENDER ?? null,
      simulated: false,
    };
  });
}

const simulatorKey = randomBytes(24).toString('base64url');
const simulatorSecret = `whsec_${randomBytes(32).toString('base64')}`;

function simulatedProvider(channel: Channel, simulatorPort: number): ProviderConfig {
  return {
    name: `${channel}-simulator`,
    channel,
    url: `http://127.0.0.1:${simulatorPort}`,
    key: simulatorKey,
    webhookSecrets: [simulatorSecret],
    honoursKeys: true,
    canLookUp: true,
    perSecond: null,
    perSecondPerSender: null,
    simulated: true,
  };
}
