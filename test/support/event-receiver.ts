import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Schema } from '../../src/openapi/types.ts';
import { sign } from '../../src/simulator/dialects/standard/signature.ts';
import { CERTIFICATE, KEY } from './certificate.ts';
import { query } from './database.ts';
import { type Harness, startHarness } from './harness.ts';
import { listen } from './listen.ts';

/** A request that the receiver got. */
export interface ReceivedEvent {
  path: string;
  headers: IncomingHttpHeaders;
  /** The value of `webhook-id`. */
  id: string;
  body: string;
  event: Schema<'Event'>;
}

/** Responds to a request. `count` is the number of requests so far with this path, this one included. */
export type Respond = (received: ReceivedEvent, response: ServerResponse, count: number) => unknown;

export interface EventReceiver {
  url: string;
  /** All requests, in the order of their arrival. */
  received: ReceivedEvent[];
  /** The requests with this path. */
  at(path: string): ReceivedEvent[];
  /** Responds with 204 to requests with other paths. */
  on(path: string, respond: Respond): void;
  stop(): Promise<void>;
}

/** Starts a server that receives events, by HTTPS with a certificate that no client trusts if `isTls`. */
export async function startEventReceiver(isTls = false): Promise<EventReceiver> {
  const received: ReceivedEvent[] = [];
  const responses = new Map<string, Respond>();
  const sockets = new Set<Socket>();
  const at = (path: string) => received.filter((each) => each.path === path);
  const server = isTls ? createHttpsServer({ key: KEY, cert: CERTIFICATE }) : createServer();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)));
  server.on('request', async (request, response) => {
    const chunks = (await request.toArray().catch(() => [])) as Buffer[];
    const { url: path = '', headers } = request;
    const body = Buffer.concat(chunks).toString();
    const one = { path, headers, id: String(headers['webhook-id']), body, event: JSON.parse(body) };
    received.push(one);
    const respond = responses.get(path);
    if (respond) await respond(one, response, at(path).length);
    else response.writeHead(204).end();
  });
  const port = await listen(server);
  return {
    url: `${isTls ? 'https' : 'http'}://127.0.0.1:${port}`,
    ...{ received, at },
    on: (path, respond) => responses.set(path, respond),
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The signature that a request must have by this secret. */
export function expectedSignature(secret: string, { id, headers, body }: ReceivedEvent): string {
  return sign(secret, id, Number(headers['webhook-timestamp']), body)['webhook-signature'] as string;
}

export type Endpoint = Schema<'Endpoint'>;

/** A service whose endpoints may be on this machine. */
export async function startEndpointService(
  environment: Record<string, string> = {},
  ...options: [logger?: Parameters<typeof startHarness>[1], workerProcess?: boolean]
) {
  const service = await startHarness({ ALLOWED_PRIVATE_HOSTS: '127.0.0.1', ...environment }, ...options);
  return { service, ...endpointCalls(service) };
}

let inbound = 0;

export function endpointCalls(service: Harness) {
  const sql = <Row extends object = Record<string, never>>(text: string, values: unknown[] = []) =>
    query<Row>(service.databaseUrl, text, values);
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const { status, body: content } = await service.request(method, `/api/endpoints${path}`, body);
    if (status >= 300) throw new Error(`${status} ${JSON.stringify(content)}`);
    return content as T;
  };
  return {
    sql,
    call,
    /** Creates an endpoint for events of the type `message.received`. */
    create: (url: string, fields: object = {}) =>
      call<Schema<'EndpointWithSecret'>>('POST', '', { url, event_types: ['message.received'], ...fields }),
    get: (id: number) => call<Endpoint>('GET', `/${id}`),
    /** The attempts, the oldest first. */
    attempts: async (id: number) =>
      (await call<Schema<'EndpointAttemptList'>>('GET', `/${id}/attempts?limit=200`)).data.toReversed(),
    /** Receives an SMS, which causes one event of the type `message.received`, and returns the id of the message. */
    receive: async (fields: object = {}): Promise<number> => {
      const { status, body } = await service.request('POST', '/api/webhooks/sms', {
        ...{ from: '+18045551234', to: '+12016661234', type: 'sms', body: 'Hello', attachments: null },
        ...{ messaging_provider_id: `event-${++inbound}`, timestamp: '2024-11-01T14:00:00Z', ...fields },
      });
      if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
      return body.id;
    },
    /** Moves all times of endpoints and deliveries into the past, as if this time had passed. */
    advance: async (seconds: number) => {
      // In one statement, so that no attempt sees a part of the change.
      await sql(
        `with delivery as (
           update endpoint_deliveries set next_attempt_at = next_attempt_at - $1 * interval '1 second'
           where status = 'pending'
         ), endpoint as (
           update endpoints
           set paused_until = paused_until - $1 * interval '1 second', failing_since = failing_since - $1 * interval '1 second'
         ), attempt as (
           update endpoint_attempts set started_at = started_at - $1 * interval '1 second'
         )
         select pg_notify('feed', '')`,
        [seconds],
      );
    },
  };
}
