import { join } from 'node:path';
import { freePort, isOk } from '../support/process.ts';
import { until } from '../support/until.ts';
import type { Modes } from './checker/evidence.ts';
import { type CuttableConnection, startConnection } from './disruptions/connection.ts';
import { runToEnd, type Supervised, supervise } from './processes.ts';
import { supportsKeys, supportsLookUp } from './provider.ts';
import { accountOf, providerKey, type SimulatorAddress, webhookSecret } from './provider-account.ts';

export const apiKey = 'a-key-for-the-chaos-clients';
export const consentKey = 'a-consent-key-for-chaos-0123456789';

/** Longer than a run: the signal of the run ends the wait. */
const NO_LIMIT_MS = 3_600_000;

export interface ChaosService {
  /** The URLs of the API processes. */
  urls: string[];
  apis: Supervised[];
  workers: Supervised[];
  /** The connection of the first worker to the database. */
  connection: CuttableConnection;
  /** The workers that must not be killed: the first worker could not start without its connection. */
  spared: 'none' | 'first' | 'all';
  /** Resolves when the API processes are ready or the run is aborted. */
  ready(): Promise<void>;
  stop(): Promise<void>;
}

export interface ServiceOptions {
  modes: Modes;
  /** The port of the first API process. */
  port: number;
  apis: number;
  workers: number;
  /** Settings of the service. */
  environment: Record<string, string>;
  providerTimeoutMs: number;
  databaseUrl: string;
  simulator: SimulatorAddress;
  /** The folder of the logs. */
  logs: string;
  /** The folder of the compile cache of Node.js. */
  compileCache: string;
  /** Ends the wait for a ready service. */
  signal: AbortSignal;
  onExit: (reason: string) => void;
}

/** Migrates the database, and fills the compile cache for the workers. */
export function migrate(options: ServiceOptions): Promise<void> {
  return runToEnd({ ...commandOf(options, 'migrate', 'worker', 0), args: ['migrate'] });
}

/** Starts the API processes and then, when they are ready, the workers. Each process is restarted when it exits. */
export async function startService(options: ServiceOptions): Promise<ChaosService> {
  const connection = await startConnection(options.databaseUrl);
  const start = (name: string, role: string, ownPort: number, databaseUrl = options.databaseUrl) =>
    supervise({
      ...commandOf({ ...options, databaseUrl }, name, role, ownPort),
      onExit: (reason) => options.onExit(`${name}: ${reason}`),
    });
  const others = await Promise.all(Array.from({ length: options.apis - 1 }, freePort));
  const ports = [options.port, ...others];
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const apis = ports.map((port, n) => start(n === 0 ? 'api' : `api-${n + 1}`, 'api', port));
  const isReady = async () =>
    options.signal.aborted || (await Promise.all(urls.map((url) => isOk(`${url}/readyz`)))).every(Boolean);
  const ready = async () => void (await until(isReady, 'the service is ready', NO_LIMIT_MS));
  await ready();
  const workers = Array.from({ length: options.workers }, (_, n) =>
    start(`worker-${n + 1}`, 'worker', 0, n === 0 ? connection.url : options.databaseUrl),
  );
  return {
    urls,
    apis,
    workers,
    ready,
    connection,
    spared: 'none',
    stop: async () => {
      await Promise.all([...apis, ...workers].map((process_) => process_.stop()));
      connection.stop();
    },
  };
}

function commandOf(options: ServiceOptions, name: string, role: string, port: number) {
  return {
    command: 'bin/start.sh',
    args: [],
    log: join(options.logs, `${name}.log`),
    environment: { ...environmentOf(options), ROLE: role, PORT: String(port) },
  };
}

function environmentOf({
  modes,
  port,
  databaseUrl,
  simulator,
  providerTimeoutMs,
  compileCache,
  environment,
}: ServiceOptions): Record<string, string> {
  const provider = (name: string) => ({
    [`${name}_URL`]: simulator.url,
    [`${name}_KEY`]: providerKey,
    [`${name}_WEBHOOK_SECRETS`]: webhookSecret,
    [`${name}_IDEMPOTENCY_KEYS`]: String(supportsKeys(modes)),
    [`${name}_CAN_LOOK_UP`]: String(supportsLookUp(modes)),
  });
  const account = accountOf(modes)?.service(simulator);
  return {
    NODE_ENV: 'production',
    NODE_COMPILE_CACHE: compileCache,
    LOG_LEVEL: 'warn',
    DATABASE_URL: databaseUrl,
    API_KEYS: `chaos:${apiKey}`,
    CONSENT_KEY: consentKey,
    SECRET_KEYS: 'a-secret-key-for-chaos-0123456789',
    ...(!account?.SMS_PROVIDERS && { SMS_PROVIDERS: 'text-co', ...provider('TEXT_CO') }),
    ...(!account?.EMAIL_PROVIDERS && { EMAIL_PROVIDERS: 'mail-co', ...provider('MAIL_CO') }),
    ...(account && { ...account, PUBLIC_URL: `http://127.0.0.1:${port}` }),
    PROVIDER_TIMEOUT_MS: String(providerTimeoutMs),
    // Few, so that the leases of a killed worker block only few conversations.
    DELIVERY_CONCURRENCY: '24',
    STOP_TIMEOUT_MS: '5000',
    ...environment,
  };
}
