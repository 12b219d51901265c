import type { IncomingHttpHeaders, RequestListener, ServerResponse } from 'node:http';
import pg from 'pg';
import { MediaClient, type MediaClientOptions } from '../../src/media/fetching/client.ts';
import { createPostgresStore } from '../../src/media/postgres-store.ts';
import { createEvents } from '../../src/observability/events.ts';
import type { Schema } from '../../src/openapi/types.ts';
import { createRegistry } from '../../src/providers/registry.ts';
import { loadConfig } from '../../src/service/service.ts';
import { type FetchLimits, LIMITS } from '../../src/webhooks/media/fetch.ts';
import { MediaWorker } from '../../src/webhooks/media/worker.ts';
import { query } from './database.ts';
import { environmentFor, type Harness, startHarness } from './harness.ts';
import { keepLog } from './log.ts';
import { type ProviderServer, startProviderServer } from './provider-server.ts';
import { ACCOUNT_SID, AUTH_TOKEN } from './twilio.ts';
import { until } from './until.ts';

export interface FileRequest {
  path: string;
  headers: IncomingHttpHeaders;
}

export interface FileServer extends ProviderServer {
  /** The requests in the order of their arrival. */
  requests: FileRequest[];
  requestsOf(path: string): FileRequest[];
}

/** Starts an HTTP server in the role of a server with files. */
export async function startFileServer(
  respond: (path: string, response: ServerResponse) => unknown,
): Promise<FileServer> {
  const requests: FileRequest[] = [];
  const listener: RequestListener = ({ url: path = '', headers }, response) => {
    requests.push({ path, headers });
    respond(
      path,
      response.on('error', () => undefined),
    );
  };
  const server = await startProviderServer(listener);
  return { ...server, requests, requestsOf: (wanted) => requests.filter(({ path }) => path === wanted) };
}

type Media = Schema<'Media'>;
export type MediaMessage = Schema<'Message'> & { media: Media[] };

/** A service whose worker is replaced by workers of the test. */
export interface MediaBench {
  service: Harness;
  log: ReturnType<typeof keepLog>;
  /** Records an inbound message with these attachments. */
  receive(attachments: string[], channel?: 'sms' | 'email'): Promise<number>;
  message(id: number): Promise<MediaMessage>;
  /** Runs a worker until all files of the message are stored or have failed. */
  fetch(id: number, options?: WorkerOptions): Promise<Media[]>;
  /** The next attempt is due now, and is the attempt of this number. */
  makeDue(attempt?: number): Promise<void>;
  startWorker(options?: WorkerOptions): MediaWorker;
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** The numbers of stored objects and of files to fetch. */
  left(): Promise<{ objects: number; fetches: number }>;
  stop(): Promise<void>;
}

export interface WorkerOptions extends Partial<FetchLimits>, Pick<MediaClientOptions, 'responseMs'> {
  /** The configured accounts, by their variables. */
  environment?: Record<string, string>;
}

/**
 * Starts a service with the accounts `text-co`, `twilio` and `mail-co`, whose configured URL is `origin`. Hosts with the name
 * `localhost` are allowed, so that 127.0.0.1 at another port is not.
 */
export async function startMediaBench(origin: string): Promise<MediaBench> {
  const log = keepLog('debug');
  const accounts = {
    ...{ SMS_PROVIDERS: 'text-co,twilio', TEXT_CO_URL: `${origin}/api`, MAIL_CO_URL: `${origin}/api` },
    ...{ TWILIO_URL: `${origin}/twilio`, TWILIO_ACCOUNT_SID: ACCOUNT_SID, TWILIO_AUTH_TOKEN: AUTH_TOKEN },
    ...{ PUBLIC_URL: 'https://messaging.example', ALLOWED_PRIVATE_HOSTS: 'localhost' },
  };
  const service = await startHarness({ ...accounts, ROLE: 'api' });
  const { databaseUrl } = service;
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 6 });
  const workers: MediaWorker[] = [];
  let messages = 0;
  const bench: MediaBench = {
    ...{ service, log },
    receive: async (attachments, channel = 'sms') => {
      const id = `media-${++messages}`;
      const from = channel === 'sms' ? '+18045551234' : 'contact@gmail.com';
      const to = channel === 'sms' ? '+12016661234' : 'user@usehatchapp.com';
      const ids = channel === 'sms' ? { messaging_provider_id: id, type: 'mms' } : { xillio_id: id };
      const { status, body } = await service.request('POST', `/api/webhooks/${channel}`, {
        ...{ ...ids, from, to, body: 'Look', attachments, timestamp: '2024-11-01T14:00:00Z' },
      });
      if (status !== 200) throw new Error(JSON.stringify(body));
      return body.id;
    },
    message: async (id) => (await service.request('GET', `/api/messages/${id}`)).body,
    fetch: async (id, options) => {
      const worker = bench.startWorker(options);
      const { media } = await until(async () => {
        const message = await bench.message(id);
        return message.media.every(({ state }) => state !== 'pending') && message;
      }, 'the files are settled');
      await worker.stop();
      return media;
    },
    makeDue: async (attempt = 1) => {
      const text = 'update media_fetches set next_attempt_at = now(), attempt_count = $1 - 1, leased = false';
      await query(databaseUrl, text, [attempt]);
    },
    startWorker: ({ responseMs, environment = accounts, ...limits } = {}) => {
      const config = loadConfig({ ...environmentFor(origin, databaseUrl), ...accounts, ...environment });
      const providers = createRegistry(config.accounts, config.providerTimeoutMs);
      const worker = new MediaWorker({
        ...{ pool, accounts: [...providers.sms, ...providers.email], store: createPostgresStore(pool) },
        client: new MediaClient({
          allowedPrivateHosts: config.allowedPrivateHosts,
          ...(responseMs !== undefined && { responseMs }),
        }),
        events: createEvents(log.logger, 'worker'),
        limits: { ...LIMITS, ...limits },
        onSettled: () => undefined,
      });
      workers.push(worker);
      worker.start();
      return worker;
    },
    query: (text, values) => query(databaseUrl, text, values),
    left: async () => {
      const [row] = await query<{ objects: number; fetches: number }>(
        databaseUrl,
        `select (select count(*)::int from media_objects) as objects, (select count(*)::int from media_fetches) as fetches`,
      );
      return row as { objects: number; fetches: number };
    },
    stop: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
      await pool.end();
      await service.stop();
    },
  };
  return bench;
}
