// Receives events with Express: EVENT_SECRET=whsec_… PORT=3000 node express.ts
import { unwrapEvent, type WebhookEvent } from '@messaging-service/sdk';
import express from 'express';

const { EVENT_SECRET: secret, PORT = '3000' } = process.env;
if (!secret) throw new Error('EVENT_SECRET is missing: the secret of the endpoint.');
// In production a table, with a unique index on the webhook-id, from which a worker handles the events.
const stored = new Map<string, WebhookEvent>();

const app = express();
// The signature is over the raw body, so no middleware may parse it before.
app.post('/events', express.raw({ type: () => true, limit: '64kb' }), async ({ headers, body }, response) => {
  const event = await unwrapEvent({ headers, body }, secret).catch(() => null);
  if (event === null) return void response.sendStatus(401);
  const id = String(headers['webhook-id']);
  const isNew = !stored.has(id);
  stored.set(id, event);
  // Any 2xx means that the event is stored. Work that takes long follows the response.
  response.sendStatus(204);
  if (isNew) handle(event);
});

function handle(event: WebhookEvent) {
  if (event.type === 'message.received') console.log(`${event.data.from} writes: ${event.data.body}`);
  else if (event.type === 'message.failed') console.log(`${event.data.id} failed: ${event.data.error?.code}`);
  else console.log(event.type);
}

app.listen(Number(PORT), '127.0.0.1', () => console.log(`Listening on port ${PORT}`));
