import { join } from 'node:path';
import { isOk } from '../support/process.ts';
import { until } from '../support/until.ts';
import type { Mode } from './checker/evidence.ts';
import { runToEnd, type Supervised, supervise } from './processes.ts';
import { providerKey, webhookSecret } from './provider.ts';

export const apiKey = 'a-key-for-the-chaos-clients';

/** What else ends it is the signal of the run. */
const NO_BOUND_MS = 3_600_000;

export interface ChaosService {
  api: Supervised;
  workers: Supervised[];
  /** Resolves when the API process answers that it is ready, or the run is called off. */
  ready(): Promise<void>;
  stop(): Promise<void>;
}

export interface ServiceOptions {
  mode: Mode;
  port: number;
  workers: number;
  providerTimeoutMs: number;
  databaseUrl: string;
  simulatorUrl: string;
  /** For what they write. */
  logs: string;
  /** For what they have compiled. */
  compiled: string;
  /** Ends the waiting. */
  signal: AbortSignal;
  onEndedByItself: (who: string) => void;
}

/** Brings the database's schema up to date. What this compiles in passing, no worker has to compile again. */
export function migrate(options: ServiceOptions): Promise<void> {
  return runToEnd({ ...commandOf(options, 'migrate', 'worker', 0), args: ['migrate'] });
}

/** One API process and, when that is ready, several workers, as in production; each is started again when it ends. */
export async function startService(options: ServiceOptions): Promise<ChaosService> {
  const { port } = options;
  const start = (name: string, role: string, ownPort: number) =>
    supervise({
      ...commandOf(options, name, role, ownPort),
      onEndedByItself: (how) => options.onEndedByItself(`${name}: ${how}`),
    });
  const api = start('api', 'api', port);
  const ready = async () => {
    const url = `http://127.0.0.1:${port}/readyz`;
    await until(() => options.signal.aborted || isOk(url), 'the service is ready', NO_BOUND_MS);
  };
  await ready();
  const workers = Array.from({ length: options.workers }, (_, n) => start(`worker-${n + 1}`, 'worker', 0));
  return {
    api,
    workers,
    ready,
    stop: async () => {
      await Promise.all([api, ...workers].map((one) => one.stop()));
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
  mode,
  databaseUrl,
  simulatorUrl,
  providerTimeoutMs,
  compiled,
}: ServiceOptions): Record<string, string> {
  const provider = (name: string) => ({
    [`${name}_URL`]: simulatorUrl,
    [`${name}_KEY`]: providerKey,
    [`${name}_WEBHOOK_SECRETS`]: webhookSecret,
    [`${name}_IDEMPOTENCY_KEYS`]: String(mode === 'keys'),
    [`${name}_CAN_LOOK_UP`]: String(mode !== 'neither'),
  });
  return {
    NODE_ENV: 'production',
    NODE_COMPILE_CACHE: compiled,
    LOG_LEVEL: 'warn',
    DATABASE_URL: databaseUrl,
    API_KEYS: `chaos:${apiKey}`,
    SMS_PROVIDERS: 'text-co',
    EMAIL_PROVIDERS: 'mail-co',
    ...provider('TEXT_CO'),
    ...provider('MAIL_CO'),
    PROVIDER_TIMEOUT_MS: String(providerTimeoutMs),
    // Few, so that the leases of one that is killed leave most conversations to the others.
    DELIVERY_CONCURRENCY: '24',
    STOP_TIMEOUT_MS: '5000',
  };
}
