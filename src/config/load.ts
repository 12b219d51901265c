import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { str } from 'envalid';
import type { CountryCode } from 'libphonenumber-js';
import { StartError } from '../errors.ts';
import {
  type AccountReader,
  type KindConfig,
  readAccounts,
  settingsOf,
  simulatedAccount,
  simulatedKinds,
} from './accounts.ts';
import type { Config, Role, StopScope } from './config.ts';
import type { EnvFile } from './env-file.ts';
import type { KeywordReader } from './keywords.ts';
import { privateHosts } from './private-hosts.ts';
import { combinationFaults } from './safety.ts';
import type { SenderParser } from './senders.ts';
import { isServiceLink, unknownNames } from './unknown-names.ts';
import * as values from './values.ts';

interface Definitions {
  kinds: readonly KindConfig[];
  parseSender: SenderParser;
  readKeywords: KeywordReader;
}

const simulatorKey = randomBytes(24).toString('base64url');
const simulatorSecret = `whsec_${randomBytes(32).toString('base64')}`;

/**
 * Reads the configuration of the service from the environment and an optional file. A variable of the environment has
 * precedence over the same variable of the file.
 *
 * @param definitions the kinds of providers, the parser of their senders, and the reader of keywords.
 * @throws {StartError} with one line for each fault, sorted.
 */
export function readConfig(
  { kinds, parseSender, readKeywords }: Definitions,
  given: values.Environment,
  file: EnvFile | null = null,
): Config {
  const environment = merge(given, file);
  const faults: string[] = [...(file?.faults ?? [])];
  const known = { names: new Set<string>(), settings: settingsOf(kinds) };
  const env = values.read(environment, faults, known.names, {
    NODE_ENV: str({ choices: ['development', 'test', 'production'], default: 'development' }),
    ROLE: str<Role>({ choices: ['all', 'api', 'worker'], default: 'all' }),
    HOST: str({ default: '127.0.0.1' }),
    PORT: values.portOrAny({ default: 8080 }),
    DATABASE_URL: values.databaseUrl({ default: undefined }),
    DATABASE_DIRECT_URL: values.databaseUrl({ default: undefined }),
    DATABASE_POOL_SIZE: values.poolSize({ default: 16 }),
    DATA_DIR: str({ default: '.data' }),
    SIMULATOR_PORT: values.port({ default: 8081 }),
    SIMULATOR_SMTP_PORT: values.port({ default: 8025 }),
    API_KEYS: values.apiKeys({ default: [] }),
    API_KEYS_FILE: values.apiKeysFile({ default: undefined }),
    METRICS_TOKEN: values.token({ default: undefined }),
    CONSENT_KEY: values.secretKey({ default: undefined }),
    SECRET_KEYS: values.secretKeys({ default: undefined }),
    MIME_WEBHOOK_SECRETS: values.webhookSecrets({ default: [] }),
    CONSENT_KEYWORDS: values.file(readKeywords)({ default: readKeywords(null) }),
    STOP_SCOPE: str<StopScope>({ choices: ['channel', 'sender'], default: 'channel' }),
    ALLOWED_HOSTS: values.hosts({ default: [] }),
    CORS_ORIGINS: values.origins({ default: [] }),
    ALLOWED_PRIVATE_HOSTS: privateHosts({ default: [] }),
    PUBLIC_URL: values.publicUrl({ default: undefined }),
    RATE_LIMIT_PER_SECOND: values.positive({ default: undefined }),
    REQUEST_TIMEOUT_MS: values.positive({ default: 60_000 }),
    KEEP_ALIVE_TIMEOUT_MS: values.positive({ default: 72_000 }),
    SMS_PROVIDERS: values.providerNames({ default: [] }),
    EMAIL_PROVIDERS: values.providerNames({ default: [] }),
    SIMULATE: str({ choices: simulatedKinds(kinds), default: undefined }),
    DEFAULT_REGION: values.region({ default: 'US' }),
    ALLOWED_COUNTRIES: values.countries({ default: undefined }),
    LOG_LEVEL: str({
      choices: ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'],
      default: 'info',
    }),
    PROVIDER_TIMEOUT_MS: values.positive({ default: 10_000 }),
    DELIVERY_CONCURRENCY: values.positive({ default: 64 }),
    EVENT_RETENTION_DAYS: values.days({ default: 30 }),
    RETENTION_DAYS_BODIES: values.days({ default: undefined }),
    RETENTION_DAYS_MESSAGES: values.days({ default: undefined }),
    RETENTION_DAYS_MEDIA: values.days({ default: undefined }),
    STOP_TIMEOUT_MS: values.positive({ default: 10_000 }),
  });
  const names = { sms: env.SMS_PROVIDERS ?? [], email: env.EMAIL_PROVIDERS ?? [] };
  const simulator = {
    ...{ port: env.SIMULATOR_PORT, url: `http://127.0.0.1:${env.SIMULATOR_PORT}` },
    ...{ smtpPort: env.SIMULATOR_SMTP_PORT, key: simulatorKey, webhookSecret: simulatorSecret },
  };
  const reader: AccountReader = { kinds, parseSender, environment, faults, missing: [], known };
  const accounts = (['sms', 'email'] as const).flatMap((channel) =>
    names[channel].length > 0
      ? readAccounts(channel, names[channel], reader)
      : [simulatedAccount(channel, env.SIMULATE, kinds, simulator)],
  );
  const production = env.NODE_ENV === 'production';
  const config: Config = {
    production,
    role: env.ROLE,
    host: env.HOST,
    port: env.PORT,
    databaseUrl: env.DATABASE_URL ?? null,
    databaseDirectUrl: env.DATABASE_DIRECT_URL ?? env.DATABASE_URL ?? null,
    databasePoolSize: env.DATABASE_POOL_SIZE,
    dataDir: resolve(env.DATA_DIR),
    apiKeys: env.API_KEYS_FILE?.keys ?? env.API_KEYS ?? [],
    apiKeysFile: env.API_KEYS_FILE?.path ?? null,
    metricsToken: env.METRICS_TOKEN ?? null,
    consentKey: env.CONSENT_KEY ?? null,
    secretKeys: env.SECRET_KEYS ?? null,
    mimeWebhookSecrets: env.MIME_WEBHOOK_SECRETS ?? [],
    keywords: env.CONSENT_KEYWORDS ?? {},
    stopScope: env.STOP_SCOPE,
    allowedHosts: env.ALLOWED_HOSTS ?? [],
    corsOrigins: env.CORS_ORIGINS ?? [],
    allowedPrivateHosts: env.ALLOWED_PRIVATE_HOSTS ?? [],
    publicUrl: env.PUBLIC_URL ?? (production || env.PORT === 0 ? null : localUrl(env.HOST, env.PORT)),
    rateLimit: env.RATE_LIMIT_PER_SECOND ?? null,
    requestTimeoutMs: env.REQUEST_TIMEOUT_MS,
    keepAliveTimeoutMs: env.KEEP_ALIVE_TIMEOUT_MS,
    accounts,
    simulator: accounts.some((account) => account.simulated) ? simulator : null,
    defaultRegion: env.DEFAULT_REGION as CountryCode,
    allowedCountries: env.ALLOWED_COUNTRIES ?? null,
    logLevel: env.LOG_LEVEL,
    providerTimeoutMs: env.PROVIDER_TIMEOUT_MS,
    deliveryConcurrency: env.DELIVERY_CONCURRENCY,
    eventRetentionDays: env.EVENT_RETENTION_DAYS,
    retentionDays: {
      bodies: env.RETENTION_DAYS_BODIES ?? null,
      messages: env.RETENTION_DAYS_MESSAGES ?? null,
      media: env.RETENTION_DAYS_MEDIA ?? null,
    },
    stopTimeoutMs: env.STOP_TIMEOUT_MS,
  };
  if (environment.API_KEYS && environment.API_KEYS_FILE)
    faults.push('API_KEYS_FILE: API_KEYS and API_KEYS_FILE are mutually exclusive');
  if (
    config.databaseDirectUrl !== null &&
    config.databaseUrl === null &&
    !namesOf(faults).has('DATABASE_URL')
  )
    faults.push('DATABASE_DIRECT_URL: requires DATABASE_URL');
  faults.push(
    ...combinationFaults(
      config,
      { names: [...names.sms, ...names.email], missing: reader.missing },
      namesOf(faults),
    ),
    ...unknownNames(environment, file, known),
  );
  if (faults.length > 0) throw new StartError(faults.sort());
  return config;
}

/** The variables of both; a variable of the environment that is not empty replaces the variable of the file. */
function merge(environment: values.Environment, file: EnvFile | null): values.Environment {
  const given = Object.entries(environment).filter(
    ([name, value]) => value && !(name === 'SIMULATOR_PORT' && isServiceLink(name, value)),
  );
  return { ...file?.values, ...Object.fromEntries(given) };
}

function namesOf(faults: string[]): Set<string> {
  return new Set(faults.map((fault) => fault.slice(0, fault.indexOf(':'))));
}

/** The URL of the service on its own machine, by which the simulator calls it. */
export function localUrl(host: string, port: number): string {
  return `http://${host === '::1' ? '[::1]' : '127.0.0.1'}:${port}`;
}
