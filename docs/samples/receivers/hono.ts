// Receives events with Hono: EVENT_SECRET=whsec_… PORT=3000 node hono.ts
import { serve } from '@hono/node-server';
import { unwrapEvent, type WebhookEvent } from '@messaging-service/sdk';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';

const { EVENT_SECRET: secret, PORT = '3000' } = process.env;
if (!secret) throw new Error('EVENT_SECRET is missing: the secret of the endpoint.');
// In production a table, with a unique index on the webhook-id, from which a worker handles the events.
const stored = new Map<string, WebhookEvent>();

const app = new Hono();
app.post('/events', bodyLimit({ maxSize: 65_536 }), async (context) => {
  // The signature is over the raw body, which the standard Request has.
  const event = await unwrapEvent(context.req.raw, secret).catch(() => null);
  if (event === null) return context.body(null, 401);
  const id = String(context.req.header('webhook-id'));
  const isNew = !stored.has(id);
  stored.set(id, event);
  // Any 2xx means that the event is stored. Work that takes long follows the response.
  if (isNew) setImmediate(handle, event);
  return context.body(null, 204);
});

function handle(event: WebhookEvent) {
  if (event.type === 'message.received') console.log(`${event.data.from} writes: ${event.data.body}`);
  else if (event.type === 'message.failed') console.log(`${event.data.id} failed: ${event.data.error?.code}`);
  else console.log(event.type);
}

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(PORT) }, () =>
  console.log(`Listening on port ${PORT}`),
);
