import { createServer } from 'node:http';
import { expect } from 'chai';
import { Headers as UndiciHeaders } from 'undici';
import { verifyWebhook, type WebhookHeaders, WebhookVerificationError } from '../../sdk/src/index.ts';
import { sign } from '../../src/simulator/dialects/standard/signature.ts';
import { webhookSecret as secret } from '../support/harness.ts';
import { listen } from '../support/listen.ts';
import { rejection } from './support.ts';

const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const seconds = 1_614_265_330;
const now = seconds * 1_000;
const body = '{"test": 2432232314}';
const headers = {
  'webhook-id': id,
  'webhook-timestamp': String(seconds),
  'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};
const other = `whsec_${btoa('another secret of 24 byte')}`;
const webhook = { body, headers, secret, now };
const verified = { id, timestamp: new Date(now), payload: { test: 2432232314 } };

/** Headers of an old library: no subclass of `Headers`, undefined for a missing header. */
class Polyfill {
  readonly #values: Map<string, string>;

  constructor(values: [name: string, value: string][]) {
    this.#values = new Map(values.map(([name, value]) => [name.toLowerCase(), value]));
  }

  get(name: string): string | undefined {
    return this.#values.get(name.toLowerCase());
  }
}

describe('verifyWebhook', () => {
  it('accepts the vector of Standard Webhooks', async () => {
    expect(await verifyWebhook(webhook)).to.deep.equal(verified);
  });

  it('accepts the body as text or bytes', async () => {
    const bytes = new TextEncoder().encode(body);
    for (const same of [bytes, Buffer.from(body), bytes.buffer])
      expect(await verifyWebhook({ ...webhook, body: same })).to.deep.equal(verified);
  });

  const upper = Object.entries(headers).map(([name, value]): [string, string] => [name.toUpperCase(), value]);
  const signature = headers['webhook-signature'];
  const twice = new Headers(headers);
  twice.append('webhook-signature', 'v1,AAAA');
  const forms: [title: string, headers: WebhookHeaders][] = [
    ['a global Headers', new Headers(headers)],
    ["another library's Headers", new UndiciHeaders(headers)],
    ['a Headers of a library without types', new Polyfill(upper)],
    ['an object without a class that has a get method', { get: (name) => new Headers(headers).get(name) }],
    ['a Map', new Map(Object.entries(headers))],
    ['a record in upper case', Object.fromEntries(upper)],
    ['a record without a prototype', Object.assign(Object.create(null), headers)],
    ['a record with another header that is named get', { ...headers, get: 'a value' }],
    ['a record with lists of values', { ...headers, 'webhook-signature': ['v1,AAAA', signature] }],
    ['two signature headers, the right one first', twice],
    [
      'two signature headers, the right one last',
      { ...headers, 'webhook-signature': `v1,AAAA, ${signature}` },
    ],
  ];
  for (const [title, form] of forms)
    it(`accepts the headers as ${title}`, async () => {
      expect(await verifyWebhook({ ...webhook, headers: form })).to.deep.equal(verified);
    });

  for (const [title, none] of [
    ['a Headers', new Headers()],
    ['a Headers whose get gives undefined', new Polyfill([])],
    ['a record', {}],
  ] as const)
    it(`refuses ${title} without the headers of a signature`, async () => {
      expect(await rejection(verifyWebhook({ ...webhook, headers: none }))).to.include({
        code: 'missing_headers',
      });
    });

  it('accepts the headers of a Node.js server', async () => {
    const server = createServer((request, response) => {
      verifyWebhook({ ...webhook, headers: request.headers }).then(
        ({ id }) => response.end(id),
        (error) => response.end(error.code),
      );
    });
    const response = await fetch(`http://127.0.0.1:${await listen(server)}`, {
      method: 'POST',
      headers,
      body,
    });
    expect(await response.text()).to.equal(id);
    server.close();
  });

  it('accepts any text and any bytes that are signed', async () => {
    const text = JSON.stringify('\ufeff€ 😀 \u0000');
    expect(
      (await verifyWebhook({ ...webhook, body: text, headers: sign(secret, id, seconds, text) })).payload,
    ).to.equal('\ufeff€ 😀 \u0000');
    const marked = `\ufeff${body}`;
    const signed = sign(secret, id, seconds, marked);
    expect((await verifyWebhook({ ...webhook, body: Buffer.from(marked), headers: signed })).id).to.equal(id);
    expect(await rejection(verifyWebhook({ ...webhook, headers: signed }))).to.include({
      code: 'wrong_signature',
    });
  });

  it('accepts each secret of a rotation and any of several signatures', async () => {
    expect(await verifyWebhook({ ...webhook, secret: [other, secret] })).to.deep.equal(verified);
    const signatures = `v1a,x v1,AAAA= ${headers['webhook-signature']}`;
    expect(
      await verifyWebhook({ ...webhook, headers: { ...headers, 'webhook-signature': signatures } }),
    ).to.deep.equal(verified);
  });

  it('compares the first 16 signatures only, so that a request cannot cause much work', async () => {
    const after = (count: number) => ({
      ...webhook,
      headers: {
        ...headers,
        'webhook-signature': `${'v1,AAAA '.repeat(count)}${headers['webhook-signature']}`,
      },
    });
    expect(await verifyWebhook(after(15))).to.deep.equal(verified);
    expect(await rejection(verifyWebhook(after(16)))).to.include({ code: 'wrong_signature' });
  });

  it('accepts a timestamp within five minutes or the given tolerance', async () => {
    for (const offset of [-300_000, 300_000]) await verifyWebhook({ ...webhook, now: now + offset });
    for (const offset of [-301_000, 301_000]) {
      expect(await rejection(verifyWebhook({ ...webhook, now: now + offset }))).to.include({
        code: 'outside_tolerance',
      });
      await verifyWebhook({ ...webhook, now: now + offset, tolerance: 301 });
    }
    for (const invalid of [{ tolerance: Number.NaN }, { now: Number.NaN }])
      expect(await rejection(verifyWebhook({ ...webhook, ...invalid }))).to.include({
        code: 'outside_tolerance',
      });
  });

  it('uses the current time by default', async () => {
    const { now: _, ...unclocked } = webhook;
    expect(await rejection(verifyWebhook(unclocked))).to.include({ code: 'outside_tolerance' });
    const signed = sign(secret, id, Math.floor(Date.now() / 1_000), body);
    expect((await verifyWebhook({ ...unclocked, headers: signed })).payload).to.deep.equal(verified.payload);
  });

  const refused: [string, string, object][] = [
    ['another body', 'wrong_signature', { body: `${body} ` }],
    ['another id', 'wrong_signature', { headers: { ...headers, 'webhook-id': 'msg_2' } }],
    [
      'another time',
      'wrong_signature',
      { headers: { ...headers, 'webhook-timestamp': String(seconds + 1) } },
    ],
    ['a secret that is not known', 'wrong_signature', { secret: other }],
    ['no secret at all', 'wrong_signature', { secret: [] }],
    [
      'a signature of another version',
      'wrong_signature',
      {
        headers: { ...headers, 'webhook-signature': headers['webhook-signature'].replace('v1', 'v2') },
      },
    ],
    [
      'half a signature',
      'wrong_signature',
      {
        headers: { ...headers, 'webhook-signature': headers['webhook-signature'].slice(0, 20) },
      },
    ],
    ['no signature', 'missing_headers', { headers: { ...headers, 'webhook-signature': '' } }],
    ['no id', 'missing_headers', { headers: { ...headers, 'webhook-id': undefined } }],
    ['no headers', 'missing_headers', { headers: {} }],
    ['a time that is none', 'missing_headers', { headers: { ...headers, 'webhook-timestamp': '1e9' } }],
    ['a secret that is not base64', 'invalid_secret', { secret: 'whsec_%%%' }],
    ['an empty secret', 'invalid_secret', { secret: 'whsec_' }],
  ];
  for (const [title, code, change] of refused) {
    it(`refuses ${title} (${code})`, async () => {
      const error = await rejection(verifyWebhook({ ...webhook, ...change }));
      expect(error).to.be.instanceOf(WebhookVerificationError).and.include({ code });
    });
  }

  it('refuses a signed body that is not JSON', async () => {
    const signed = sign(secret, id, seconds, 'hello');
    expect(await rejection(verifyWebhook({ ...webhook, body: 'hello', headers: signed }))).to.include({
      code: 'malformed_body',
    });
  });
});
