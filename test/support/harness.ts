import { type Client, createClient, type Message } from '../../sdk/src/index.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { type Service, startService } from '../../src/service.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import type { Accepted } from '../../src/simulator/store.ts';
import { createMigratedDatabase } from './database.ts';
import { until } from './until.ts';

export const webhookSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

export interface Harness {
  url: string;
  databaseUrl: string;
  service: Service;
  simulator: Simulator;
  client: Client;
  /** Any request, as any HTTP client would make it; strings go as they are, everything else as JSON. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** The simulator's control interface. */
  control<T = unknown>(method: string, path: string, body?: unknown): Promise<T>;
  accepted(): Promise<Accepted[]>;
  /** The message as soon as it has this status. */
  untilStatus(id: number, status: Message['status']): Promise<Message>;
  stop(): Promise<void>;
}

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it is the test
  body: any;
}

/** A service and a simulator on free ports, with a database of their own. */
export async function startHarness(
  environment: Record<string, string> = {},
  logger = createLogger(process.env.TEST_LOG_LEVEL ?? 'silent'),
): Promise<Harness> {
  const databaseUrl = environment.DATABASE_URL ?? (await createMigratedDatabase());
  const simulator = await startSimulator({
    apiKey: 'provider-key',
    webhookSecret,
    settings: { receipts: { delay_ms: 5 } },
  });
  const service = await startService(
    loadConfig({ ...environmentFor(simulator.url, databaseUrl), ...environment }),
    logger,
  );
  const { url } = service;
  const harness: Harness = {
    url,
    databaseUrl,
    service,
    simulator,
    client: createClient({ baseUrl: url }),
    request: (method, path, body, headers = {}) => request(url + path, method, body, headers),
    control: async <T>(method: string, path: string, body?: unknown) =>
      (await request(simulator.url + path, method, body, {})).body as T,
    accepted: async () => (await harness.control<{ data: Accepted[] }>('GET', '/_control/messages')).data,
    untilStatus: (id, status) =>
      until(async () => {
        const { body } = await harness.request('GET', `/api/messages/${id}`);
        return body.status === status && (body as Message);
      }, `message ${id} is ${status}`),
    stop: async () => {
      await service.stop();
      await simulator.stop();
    },
  };
  await harness.control('PUT', '/_control/settings', { service_url: url });
  return harness;
}

/** For tests in which a provider hangs. Everywhere else a busy machine would time calls out that succeed. */
export const SHORT_TIMEOUT = { PROVIDER_TIMEOUT_MS: '500' };

/** The environment of a service that sends by this simulator. */
export function environmentFor(simulatorUrl: string, databaseUrl: string): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    PORT: '0',
    PROVIDER_TIMEOUT_MS: '10000',
    SMS_PROVIDERS: 'text-co',
    TEXT_CO_URL: simulatorUrl,
    TEXT_CO_KEY: 'provider-key',
    EMAIL_PROVIDERS: 'mail-co',
    MAIL_CO_URL: simulatorUrl,
    MAIL_CO_KEY: 'provider-key',
  };
}

async function request(
  url: string,
  method: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
}
