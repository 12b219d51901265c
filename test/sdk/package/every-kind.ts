import { expect } from 'chai';
import { sign } from '../../../src/simulator/dialects/standard/signature.ts';
import type { FaultyProxy } from '../../support/proxy.ts';

export const API_KEY = 'correct-horse-battery';
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const EVENT = JSON.stringify({ id: 42, type: 'message.received', data: { body: 'Hé' } });
const signed = () => sign(SECRET, 'evt_42', Math.floor(Date.now() / 1_000), EVENT);

/**
 * A program with each kind of request of the SDK and each result of a request, in plain JavaScript. Its options are a
 * JavaScript expression. The first line is the name and the version of the runtime.
 */
export const program = (options: string) => `
import { createClient, verifyWebhook } from '@messaging-service/sdk';

const { Deno, Bun, process } = globalThis;
if (Deno) console.log('Deno', Deno.version.deno);
else if (Bun) console.log('Bun', Bun.version);
else if (process) console.log('Node.js', process.versions.node);
else console.log('no runtime');
const logged = [];
const log = (level) => (message) => logged.push(level + ' ' + message);
const logger = { error: log('error'), warn: log('warn'), info: log('info'), debug: log('debug') };
const client = createClient({ ...${options}, retryDelay: 1, logger });
const body = { from: '+12016661234', to: '+18045551234', body: 'Hi', type: 'sms' };
const rejection = (promise) => promise.then(() => 'no error', (error) => error);
const { signal } = new AbortController();

const sent = await client.messages.send(body, { signal, idempotencyKey: 'once' });
console.log('sent', sent.status);
console.log('logged', logged[0]?.includes('status 503'), logged.at(-1));
console.log('again', (await client.messages.send(body, { idempotencyKey: 'once' })).id === sent.id);
const read = client.messages.get(sent.id, { signal });
console.log('read', (await read).id === sent.id, read instanceof Promise);
const { data: same, response, requestId } = await read.withResponse();
console.log('response', response.status, same === (await read), requestId === same.requestId, requestId.length);
for await (const { body } of client.messages.list({ limit: 1 })) console.log('listed', body);
const { data } = await client.raw.GET('/api/messages/{id}', { params: { path: { id: sent.id } }, signal });
console.log('raw', data?.id === sent.id);
const refused = await rejection(client.messages.send({ ...body, from: 'a@x.org' }));
console.log('refused', refused.constructor.name, refused.name, refused.message.includes('/body/from'));
const stop = AbortSignal.abort(new Error('stopped'));
console.log('aborted', (await rejection(client.messages.get(sent.id, { signal: stop }))).message);
const late = await rejection(client.messages.get(sent.id, { timeout: 0, maxRetries: 0 }));
console.log('late', late.code);
const forged = { 'webhook-id': '1', 'webhook-timestamp': '1', 'webhook-signature': 'v1,AAAA' };
const secret = '${SECRET}';
const wrong = await rejection(verifyWebhook({ body: '{}', headers: new Headers(forged), secret, now: 1_000 }));
console.log('forged', wrong.code);
const webhook = { method: 'POST', headers: ${JSON.stringify(signed())}, body: ${JSON.stringify(EVENT)} };
const { id, type, data: content } = await client.events.unwrap(new Request('https://x.org', webhook), secret);
console.log('unwrapped', id, type, content.body);
const seen = [];
for await (const event of client.events.stream({ after: 0 })) if (seen.push(event.type) === 4) break;
console.log('streamed', seen.join());
const openStreams = async () => (await client.raw.GET('/healthz')).response.headers.get('x-open-streams');
while ((await openStreams()) !== '0');
console.log('closed');
let connections = 0;
const headers = { 'content-type': 'text/event-stream' };
const fetch = async () => {
  const number = ++connections;
  if (number % 40 < 20) return new Response('', { status: 503 });
  return new Response('id: ' + number + '\\ndata: {"id":' + number + '}\\n\\n', { headers });
};
const losing = createClient({ baseUrl: 'https://x.org', retryDelay: 0, fetch });
let last = 0;
for await (const event of losing.events.stream()) if ((last = event.id) === 75) break;
console.log('reconnected', connections, last);
console.log('waited', (await client.messages.wait(sent.id)).status);
const picture = new Blob(['picture'], { type: 'image/png' });
const file = await client.media.upload(picture, { name: 'a.png', signal });
console.log('uploaded', file.content_type, file.size, file.name);
const part = await client.media.content(file.id, { range: 'bytes=0-3', signal });
console.log('downloaded', await new Response(part).text());
console.log('end');
`;

/** The output of the program after its first line. */
const EXPECTED = `sent queued
logged true info POST /api/messages/send: status 202
again true
read true true
response 200 true true 36
listed Hi
raw true
refused InvalidRequestError InvalidRequestError true
aborted stopped
late timeout
forged wrong_signature
unwrapped 42 message.received Hé
streamed conversation.created,message.queued,message.sent,message.delivered
closed
reconnected 75 75
waited delivered
uploaded image/png 7 a.png
downloaded pict
end
`;

/** The faults of the first requests. Deno and Chromium repeat some of these requests below `fetch`. */
export function addFaults({ faults, streamFaults }: FaultyProxy): void {
  faults.push({ type: 'status', status: 503 }, { type: 'lost_response' }, { type: 'cut_response' });
  streamFaults.push({ type: 'cut_response' });
}

/** Checks the output of the program and its requests. */
export function expectEveryKind(output: string, title: string, { requests }: FaultyProxy): void {
  expect(output).to.equal(`${title}\n${EXPECTED}`);
  for (const { headers } of requests) expect(headers.authorization).to.equal(`Bearer ${API_KEY}`);
  const first = requests.slice(0, 4);
  expect(new Set(first.map(({ body }) => body)).size, 'one body in every try').to.equal(1);
  for (const { headers } of first)
    expect(headers).to.include({ 'idempotency-key': 'once', 'content-type': 'application/json' });
}
