import { once } from 'node:events';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { createClient, unwrapEvent, type WebhookRequest } from '../../../sdk/src/index.ts';
import { sign } from '../../../src/simulator/dialects/standard/signature.ts';
import { listen } from '../../support/listen.ts';
import { rejection } from '../support.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const other = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const seconds = 1_700_000_000;
const now = seconds * 1_000;
const event = {
  id: 42,
  type: 'message.received',
  timestamp: '2023-11-14T22:13:20.000Z',
  data: { body: 'Hé' },
};
const body = JSON.stringify(event);
const headers = sign(secret, 'evt_42', seconds, body);
const url = 'https://shop.example.com/events';

describe('events.unwrap of the SDK', () => {
  const requests: [title: string, make: () => WebhookRequest][] = [
    ['a Request', () => new Request(url, { method: 'POST', headers, body })],
    ['an object with a text', () => ({ headers, body })],
    ['an object with bytes', () => ({ headers: new Headers(headers), body: new TextEncoder().encode(body) })],
    ['an object with a Buffer', () => ({ headers, body: Buffer.from(body) })],
    ['an object with an ArrayBuffer', () => ({ headers, body: new TextEncoder().encode(body).buffer })],
  ];
  for (const [title, make] of requests)
    it(`returns the event of ${title}`, async () => {
      expect(await unwrapEvent(make(), secret, { now })).to.deep.equal(event);
    });

  it('returns the event of a request of a Node.js server, at the current time', async () => {
    const { events } = createClient({ baseUrl: 'https://messaging.example.com' });
    const server = createServer(async (request, response) => {
      const raw = await buffer(request);
      const { id, type } = await events.unwrap({ headers: request.headers, body: raw }, [other, secret]);
      response.end(`${id} ${type}`);
    });
    const signed = sign(secret, 'evt_42', Math.floor(Date.now() / 1_000), body);
    const response = await fetch(`http://127.0.0.1:${await listen(server)}`, {
      ...{ method: 'POST', headers: signed, body },
    });
    expect(await response.text()).to.equal('42 message.received');
    await once(server.close(), 'close');
  });

  it('accepts each secret of a rotation, and a request with a signature of each', async () => {
    const both = `${sign(other, 'evt_42', seconds, body)['webhook-signature']} ${headers['webhook-signature']}`;
    const rotated = { headers: { ...headers, 'webhook-signature': both }, body };
    for (const secrets of [secret, other, [other, secret]])
      expect(await unwrapEvent(rotated, secrets, { now })).to.deep.equal(event);
  });

  it('refuses a changed body, another secret, and a request of six minutes ago', async () => {
    const refused = (request: WebhookRequest, key: string, at = now) =>
      rejection(unwrapEvent(request, key, { now: at }));
    expect(await refused({ headers, body: `${body} ` }, secret)).to.include({ code: 'wrong_signature' });
    expect(await refused({ headers, body }, other)).to.include({ code: 'wrong_signature' });
    expect(await refused({ headers, body }, secret, now + 360_000)).to.include({ code: 'outside_tolerance' });
  });

  it('throws a TypeError for a body that was parsed, and for none', async () => {
    for (const wrong of [event, undefined, null])
      expect(await rejection(unwrapEvent({ headers, body: wrong as never }, secret, { now })))
        .to.be.instanceOf(TypeError)
        .with.property('message', 'body must be the raw body of the request.');
  });
});
