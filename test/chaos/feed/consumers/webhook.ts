import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { sign } from '../../../../src/simulator/dialects/standard/signature.ts';
import { listen } from '../../../support/listen.ts';
import { AUTHORIZED, type Consumer, type ConsumerOptions, received } from './consumer.ts';

export interface WebhookOptions extends ConsumerOptions {
  /** The share of the events whose first attempt fails, from 0 to 1. */
  failing: number;
  /** The share of these attempts that are refused, which the consumer does not record; the others get no response. */
  refusing: number;
  random: () => number;
}

type Failure = 'refused' | 'lost';

/**
 * Registers an endpoint, and records every delivery with a valid signature, also those that it answers with an error or
 * without a response.
 */
export async function consumeByWebhook({
  urls,
  failing,
  refusing,
  random,
}: WebhookOptions): Promise<Consumer> {
  let secret = '';
  const failed = new Set<number>();
  const all = new Set<number>();
  let position = 0;
  const server = createServer((request, response) => void deliver(request, response));
  const port = await listen(server);
  const consumer: Consumer = {
    events: [],
    interruptions: 0,
    position: () => position,
    stop: () => close(server),
  };

  async function deliver(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request).catch(() => null);
    const id = String(request.headers['webhook-id']);
    if (body === null || !isSigned(request, id, body)) return void response.writeHead(401).end();
    const event = received(JSON.parse(body.toString()), Number(id.replace(/^evt_/, '')));
    const failure = failureOf(event.id);
    if (failure === 'refused') return void response.writeHead(500).end();
    consumer.events.push(event);
    all.add(event.id);
    while (all.has(position + 1)) position++;
    if (failure === 'lost') response.destroy();
    else response.writeHead(204).end();
  }

  function isSigned({ headers }: IncomingMessage, id: string, body: Buffer): boolean {
    const expected = sign(secret, id, Number(headers['webhook-timestamp']), body);
    return headers['webhook-signature'] === expected['webhook-signature'];
  }

  /** Only the first attempt fails, since the second retry would be minutes later. */
  function failureOf(id: number): Failure | null {
    if (failed.has(id) || all.has(id) || random() >= failing) return null;
    failed.add(id);
    consumer.interruptions++;
    return random() < refusing ? 'refused' : 'lost';
  }

  const response = await fetch(`${urls[0]}/api/endpoints`, {
    method: 'POST',
    headers: { ...AUTHORIZED, 'content-type': 'application/json' },
    body: JSON.stringify({ url: `http://127.0.0.1:${port}/events` }),
  });
  if (response.status !== 201)
    throw new Error(`POST /api/endpoints: ${response.status} ${await response.text()}`);
  ({ secret } = (await response.json()) as { secret: string });
  return consumer;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
