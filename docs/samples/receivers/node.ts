// Receives events with Node.js only: EVENT_SECRET=whsec_… PORT=3000 node node.ts
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { unwrapEvent, type WebhookEvent } from '@messaging-service/sdk';

const { EVENT_SECRET: secret, PORT = '3000' } = process.env;
if (!secret) throw new Error('EVENT_SECRET is missing: the secret of the endpoint.');
// In production a table, with a unique index on the webhook-id, from which a worker handles the events.
const stored = new Map<string, WebhookEvent>();

const server = createServer(async (request, response) => {
  const { headers } = request;
  // An event has at most 20,000 bytes.
  if (!(Number(headers['content-length']) <= 65_536)) return response.writeHead(413).end();
  // The signature is over the raw body.
  const body = await buffer(request).catch(() => '');
  const event = await unwrapEvent({ headers, body }, secret).catch(() => null);
  if (event === null) return response.writeHead(401).end();
  const id = String(headers['webhook-id']);
  const isNew = !stored.has(id);
  stored.set(id, event);
  // Any 2xx means that the event is stored. Work that takes long follows the response.
  response.writeHead(204).end();
  if (isNew) handle(event);
});

function handle(event: WebhookEvent) {
  if (event.type === 'message.received') console.log(`${event.data.from} writes: ${event.data.body}`);
  else if (event.type === 'message.failed') console.log(`${event.data.id} failed: ${event.data.error?.code}`);
  else console.log(event.type);
}

server.listen(Number(PORT), '127.0.0.1', () => console.log(`Listening on port ${PORT}`));
