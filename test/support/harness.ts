import { type Client, createClient, type Message } from '../../sdk/src/index.ts';
import { createAddressHash } from '../../src/consent/key.ts';
import { MediaLinks } from '../../src/media/links.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { loadConfig, type Service, startService } from '../../src/service/service.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import type { Accepted } from '../../src/simulator/store.ts';
import { createMigratedDatabase } from './database.ts';
import { until } from './until.ts';

export const webhookSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

/** All services of a test have the same key, also those on one database. */
export const consentKey = 'a-consent-key-for-tests-0123456789';
export const secretKey = 'a-secret-key-for-tests-0123456789';
export const hashAddress = createAddressHash(consentKey);
/** The links of a service without a public URL. */
export const noLinks = new MediaLinks([secretKey], null);

export interface Harness {
  url: string;
  databaseUrl: string;
  service: Service;
  simulator: Simulator;
  client: Client;
  /** Sends an HTTP request to the service. A body that is not a string is sent as JSON. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Sends a request to the control API of the simulator and returns the body of the response. */
  control<T = unknown>(method: string, path: string, body?: unknown): Promise<T>;
  /** The messages that the simulator accepted. */
  accepted(): Promise<Accepted[]>;
  /** Waits until the message has this status. */
  untilStatus(id: number, status: Message['status']): Promise<Message>;
  stop(): Promise<void>;
}

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the assertions of the test check the body
  body: any;
}

/**
 * Starts a service and a simulator on free ports, by default with a new database.
 *
 * @param workerProcess whether the worker of `ROLE=all` runs in a process of its own, as in production. By default it does
 *   not, because the start of a process takes longer than most tests; `TEST_WORKER_PROCESS=true` changes the default.
 */
export async function startHarness(
  environment: Record<string, string> = {},
  logger = createLogger(process.env.TEST_LOG_LEVEL ?? 'silent'),
  workerProcess = process.env.TEST_WORKER_PROCESS === 'true',
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
    { workerProcess },
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

/** For tests with a provider that does not respond. In other tests, calls would time out on a busy machine. */
export const SHORT_TIMEOUT = { PROVIDER_TIMEOUT_MS: '500' };

/** The environment of a service that uses the simulator as the provider of both channels. */
export function environmentFor(simulatorUrl: string, databaseUrl: string): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    PORT: '0',
    CONSENT_KEY: consentKey,
    SECRET_KEYS: secretKey,
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
  const json = /[/+]json\b/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
}
