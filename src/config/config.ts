import type { CountryCode } from 'libphonenumber-js';
import type { Channel } from '../channel.ts';
import type { ApiKey } from './api-keys.ts';
import type { Keywords } from './keywords.ts';

export type Role = 'all' | 'api' | 'worker';

/** What a recipient's STOP suppresses: the whole channel, or only the number that the recipient wrote to. */
export type StopScope = 'channel' | 'sender';

/** A configured access to a provider. */
export interface AccountConfig<Settings = unknown> {
  name: string;
  /** The kind of provider, which defines the settings. */
  kind: string;
  channel: Channel;
  settings: Settings;
  /** Maximum messages per second of all workers together; null for no limit. */
  perSecond: number | null;
  /** Maximum messages per second of each sender number or address; null for no limit. */
  perSecondPerSender: number | null;
  /** Addresses and domains in lower case; null if the account has every sender. */
  senders: string[] | null;
  /** Whether the service replies to keywords; null: where the provider does not. */
  consentReplies: boolean | null;
  simulated: boolean;
  /** One line for each variable that production requires and that is not set, with the consequence. */
  warnings: string[];
}

/** The simulator that this process starts. */
export interface SimulatorConfig {
  port: number;
  url: string;
  /** The port of the simulated mail server. */
  smtpPort: number;
  /** The API key of the simulated providers. */
  key: string;
  /** The Standard Webhooks secret (`whsec_…`) of the simulated providers. */
  webhookSecret: string;
}

/** A configuration with the keys that a start outside production makes. */
export type KeyedConfig = Config & { consentKey: string; secretKeys: string[] };

/** Ages in days; null: nothing is removed. */
export interface RetentionDays {
  /** Of the content of messages, except their files. */
  bodies: number | null;
  messages: number | null;
  /** Of the files of messages. */
  media: number | null;
}

export interface Config {
  production: boolean;
  role: Role;
  host: string;
  port: number;
  /** Null: the service starts an embedded PostgreSQL in `dataDir`. */
  databaseUrl: string | null;
  /** The URL without a connection pooler, for migrations and LISTEN; the same as `databaseUrl` by default. */
  databaseDirectUrl: string | null;
  /** The number of connections of this process for requests and deliveries. */
  databasePoolSize: number;
  dataDir: string;
  apiKeys: ApiKey[];
  /** The file of `apiKeys`, which is read again when it changes; null if the keys come from `API_KEYS`. */
  apiKeysFile: string | null;
  /** The token that gives access to the metrics and to the verbose readiness only; null for none. */
  metricsToken: string | null;
  /** The key of the hashes in the ledger of suppressions; null for the key in `dataDir`. */
  consentKey: string | null;
  /** The secrets from which the keys of links and of stored secrets are derived: one, or two during a rotation; null for the key in `dataDir`. */
  secretKeys: string[] | null;
  /** The Standard Webhooks secrets (`whsec_…`) of mail servers that pass emails on; empty: no such email is received. */
  mimeWebhookSecrets: string[];
  /** The keywords of text messages, and the automatic replies. */
  keywords: Keywords;
  stopScope: StopScope;
  /** Hosts besides loopback that requests may name while no API keys are configured. */
  allowedHosts: string[];
  /** The exact origins of web pages whose scripts may call the API. */
  corsOrigins: string[];
  /** The private hosts that endpoints may have: names in lower case, IP addresses, and ranges in CIDR notation. */
  allowedPrivateHosts: string[];
  /** The URL of the service for providers, without a slash at its end; null if it is not configured. */
  publicUrl: string | null;
  /** Maximum requests per second of each API key at this process; null for no limit. */
  rateLimit: number | null;
  /** Maximum time for a request to arrive completely, in milliseconds. */
  requestTimeoutMs: number;
  /** Maximum time of a connection without a request, in milliseconds. */
  keepAliveTimeoutMs: number;
  /** For each channel, in the order of failover. */
  accounts: AccountConfig[];
  /** Null if every channel has a configured account. */
  simulator: SimulatorConfig | null;
  defaultRegion: CountryCode;
  /** The countries of the phone numbers that texts may be sent to; null for every country. */
  allowedCountries: string[] | null;
  logLevel: string;
  providerTimeoutMs: number;
  deliveryConcurrency: number;
  /** The minimum age at which events are removed, in days. */
  eventRetentionDays: number;
  /** The ages at which messages and their parts are removed. */
  retentionDays: RetentionDays;
  /** Maximum time to complete running requests and deliveries at a stop, in milliseconds. */
  stopTimeoutMs: number;
}
