import type { CountryCode } from 'libphonenumber-js';
import type { Channel } from '../channel.ts';
import type { ApiKey } from './api-keys.ts';

export type Role = 'all' | 'api' | 'worker';

export interface ProviderConfig {
  name: string;
  channel: Channel;
  url: string;
  key: string;
  /** Standard Webhooks secrets (`whsec_…`), two during a rotation. */
  webhookSecrets: string[];
  /** Whether the provider drops repeats of one Idempotency-Key. */
  supportsIdempotencyKeys: boolean;
  /** Whether a message can be looked up at the provider by its Idempotency-Key. */
  canLookUp: boolean;
  /** Maximum messages per second of all workers together; null for no limit. */
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
  /** Past a connection pooler, for migrations and LISTEN; `databaseUrl` if there is none. */
  databaseDirectUrl: string | null;
  /** Connections of this process for requests and deliveries. */
  databasePoolSize: number;
  dataDir: string;
  apiKeys: ApiKey[];
  /** Where they are read from again when they change; null where they are given by themselves. */
  apiKeysFile: string | null;
  /** Hosts besides loopback that are served while no API keys are configured. */
  allowedHosts: string[];
  /** Requests a second that each key may make of this process; null for no limit. */
  rateLimit: number | null;
  /** How long a request may take to arrive, in milliseconds. */
  requestTimeoutMs: number;
  /** How long a connection without a request is kept open, in milliseconds. */
  keepAliveTimeoutMs: number;
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
