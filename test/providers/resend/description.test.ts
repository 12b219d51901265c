import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import type { Provider } from '../../../src/providers/provider.ts';
import { createRegistry } from '../../../src/providers/registry.ts';
import { resendWebhooks } from '../../../src/providers/resend/webhook.ts';
import { IncomingWebhook } from '../../../src/providers/webhook.ts';
import { loadConfig } from '../../../src/service/service.ts';
import { eventOf } from '../../../src/simulator/dialects/resend/events.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/server.ts';
import { type Email, referenceEmail } from '../../support/mail.ts';
import { findPrism, NO_PRISM, type Prism, startPrism } from '../../support/prism.ts';
import { callContext } from '../../support/provider-server.ts';
import { NO_DESCRIPTION } from '../../support/provider-specs.ts';

const description = findPrism('resend.json');
const API_KEY = 're_0123456789abcdef';

/** Prism, an independent server, compares each request and response with Resend's own description of its API. */
describe(`Resend's own API description accepts${description ? '' : NO_PRISM}`, function () {
  this.timeout(60_000);
  let simulator: Simulator;
  let prism: Prism;
  before(async function () {
    if (!description) return this.skip();
    simulator = await startSimulator({ apiKey: API_KEY, settings: { receipts: { enabled: false } } });
    prism = await startPrism(description, `${simulator.url}/resend`);
  });
  after(async () => {
    await prism?.stop();
    await simulator?.stop();
  });

  let count = 0;
  const send = (message: Email) => {
    const { accounts } = loadConfig({
      ...{ EMAIL_PROVIDERS: 'resend', RESEND_URL: prism.url, RESEND_API_KEY: API_KEY },
    });
    const provider = createRegistry(accounts, 20_000).email[0] as Provider;
    const delivery_key = `8a1c0f6e-5d1b-4c57-9d0e-${String(++count).padStart(12, '0')}`;
    return provider.send({ ...message, delivery_key }, callContext());
  };
  const whole = referenceEmail();
  const sends: Record<string, Email> = {
    'an email with every part': whole,
    'an email with a text only': { ...whole, files: [], email: { ...whole.email, html: null, headers: {} } },
    'an email without a text': { ...whole, subject: null, email: { ...whole.email, html: null, text: null } },
    'an email to one of its recipients': {
      ...whole,
      email: { ...whole.email, envelope: ['mary@example.net'] },
    },
  };
  for (const [title, message] of Object.entries(sends))
    it(title, async () => {
      expect(await send(message)).to.include({ outcome: 'accepted', httpStatus: 200 });
    });

  it('no request that violates it: no subject, too many recipients, another path', async () => {
    const post = (path: string, body: object) =>
      fetch(prism.url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }).then(({ status }) => status);
    const base = { from: 'a@example.com', to: 'b@example.com', subject: 'Hello', text: 'Hello' };
    expect(await post('/emails', base)).to.equal(200);
    expect(await post('/emails', { ...base, subject: undefined })).to.equal(422);
    const many = Array.from({ length: 51 }, (_, n) => `b${n}@example.com`);
    expect(await post('/emails', { ...base, to: many })).to.equal(422);
    expect(await post('/mails', base)).to.equal(404);
  });
});

const read = (file: string) => {
  const path = join(process.env.PROVIDER_SPECS ?? '', file);
  return process.env.PROVIDER_SPECS && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
};
const schemas = read('webhooks/resend.schema.json');
const examples: Record<string, object> | undefined = read('webhooks/examples.json')?.resend;

describe(`Resend's own schemas of webhooks${schemas && examples ? '' : NO_DESCRIPTION}`, () => {
  before(function () {
    if (!schemas || !examples) this.skip();
  });

  it('accept the events of the simulator, and no other', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    const validate = ajv.addSchema(schemas, 'webhooks').compile({ $ref: 'webhooks#/$defs/any' });
    const email = {
      ...{ id: '56761188-7520-42d8-8898-ff6fc54ce618', messageId: '<a@b.example>', from: 'a@example.com' },
      ...{ recipients: ['b@example.com'], subject: 's', tags: { echo: 'a' }, createdAt: new Date() },
    };
    const words = [
      'sent',
      'delivered',
      'deferred',
      'bounced',
      'dropped',
      'complained',
      'opened',
      'clicked',
    ] as const;
    for (const word of words) {
      const event = eventOf(email, { event: word, recipients: email.recipients });
      expect(validate(event), `${word}: ${JSON.stringify(validate.errors)}`).to.equal(true);
      expect(validate({ ...event, data: { ...(event as { data: object }).data, to: 'b' } })).to.equal(false);
    }
  });

  it('have examples that the adapter reads, except inbound email', async () => {
    const { parse } = resendWebhooks([]);
    for (const [name, example] of Object.entries(examples ?? {})) {
      const webhook = new IncomingWebhook({
        ...{ headers: { 'svix-id': 'msg_1' }, target: '/', publicUrl: null },
        readBody: async () => Buffer.from(JSON.stringify(example)),
      });
      const content = await parse(webhook);
      if (name === 'received') expect(content).to.equal(null);
      else expect(content?.receipts, name).to.have.lengthOf(1);
    }
  });
});
