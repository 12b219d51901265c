import { expect } from 'chai';
import { sign } from '../../../src/simulator/dialects/standard/signature.ts';
import { inboundSms, sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness, webhookSecret } from '../../support/harness.ts';
import { connectRaw, exchange } from '../../support/raw.ts';

const otherSecret = `whsec_${Buffer.alloc(24, 'other').toString('base64')}`;
const now = () => Math.floor(Date.now() / 1_000);

/** Request targets of the SMS webhook, and targets that another parser could read as the SMS webhook. */
const TARGETS = [
  '/api/webhooks/sms',
  '/api/webhooks/sms?provider=nope',
  '/api/webhooks/sms#?provider=nope',
  '/api/webhooks/sms?#provider=nope',
  '/api/webhooks/sms?provider=nope#?provider=text-co',
  '/api/webhooks/sms?provider=text-co#?provider=nope',
  '/api/webhooks/sms?provider=',
  '/api/webhooks/sms?provider',
  '/api/webhooks/sms?provider=mail-co',
  '/api/webhooks/sms?provider=TEXT-CO',
  '/api/webhooks/sms?provider=text-co%00',
  '/api/webhooks/sms?provider=text-co+',
  '/api/webhooks/sms?provider=%00',
  '/api/webhooks/sms?provider=%FF',
  '/api/webhooks/sms?provider=nope&provider=text-co',
  '/api/webhooks/sms?provider=text-co&provider=nope',
  '/api/webhooks/sms?provider[]=nope',
  '/api/webhooks/sms?provider[0]=nope',
  '/api/webhooks/sms?__proto__=nope&provider=nope',
  '/api/webhooks/sms?%70rovider=nope',
  '/api/webhooks/sms?Provider=nope',
  '/api/webhooks/sms?x=1;provider=nope',
  '/api/webhooks/sms;provider=nope',
  '/api/webhooks/sms??provider=nope',
  '/api/webhooks/sms?&?provider=nope',
  '/api/webhooks/sms%3Fprovider=nope',
  '/api/webhooks/sms%23?provider=nope',
  '/api/webhooks/sms/?provider=nope',
  '/api/webhooks/sms/#?provider=nope',
  '/API/WEBHOOKS/SMS?provider=nope',
  '/api/webhooks/%73ms?provider=nope',
  '/api/webhooks/%73ms#?provider=nope',
  '//api/webhooks/sms?provider=nope',
  '//localhost/api/webhooks/sms?provider=nope',
  '/./api/webhooks/sms?provider=nope',
  '/api/x/../webhooks/sms?provider=nope',
  '/api\\webhooks\\sms?provider=nope',
  'http://localhost/api/webhooks/sms?provider=nope',
  'http://localhost/api/webhooks/sms#?provider=nope',
  'http://provider=nope@localhost/api/webhooks/sms',
  'http:/api/webhooks/sms?provider=nope',
  'api/webhooks/sms?provider=nope',
  '?provider=nope',
  '*',
];

describe('The caller of a webhook', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({
      NODE_ENV: 'production',
      CONSENT_KEY: 'a-consent-key-for-production-0123456',
      SECRET_KEYS: 'a-secret-key-for-production-0123456',
      API_KEYS: 'shop:correct-horse-battery',
      SMS_PROVIDERS: 'text-co,other-co',
      OTHER_CO_URL: 'http://127.0.0.1:9',
      OTHER_CO_KEY: 'provider-key',
      OTHER_CO_WEBHOOK_SECRETS: otherSecret,
      TEXT_CO_WEBHOOK_SECRETS: webhookSecret,
      MAIL_CO_WEBHOOK_SECRETS: otherSecret,
    });
  });
  after(() => service.stop());

  const stored = () =>
    query(
      service.databaseUrl,
      'select (select count(*) from messages) as messages, (select count(*) from delivery_receipts) as receipts',
    );
  const post = (target: string, event: object, secret: string | null) => {
    const body = JSON.stringify(event);
    const signature = secret === null ? {} : sign(secret, 'evt_1', now(), body);
    return exchange(service.url, 'POST', target, { 'content-type': 'application/json', ...signature }, body);
  };
  const inbound = { ...inboundSms, messaging_provider_id: 'forged' };
  const receipt = { messaging_provider_id: 'forged', status: 'undelivered' };

  for (const target of TARGETS) {
    it(`is refused without a valid signature, and nothing is stored: ${target}`, async () => {
      const forgeries = [
        () => post(target, inbound, null),
        () => post(target, inbound, otherSecret),
        () => post(target.replace(/sms/i, '$&/status'), receipt, null),
        () => post(target.replace(/sms/i, '$&/status'), receipt, otherSecret),
      ];
      for (const forge of forgeries) expect((await forge()).status, target).to.be.oneOf([400, 401, 404, 405]);
      expect(await stored()).to.deep.equal([{ messages: 0, receipts: 0 }]);
    });
  }

  it('is refused with 401 before the body is sent if the provider is not configured', async () => {
    for (const path of ['sms', 'email', 'sms/status', 'email/status']) {
      const target = `/api/webhooks/${path}?provider=nope`;
      const signed = sign(webhookSecret, 'evt_1', now(), '');
      const headers = { 'content-type': 'application/json', 'content-length': 10_000_000, ...signed };
      const { status, body } = await exchange(service.url, 'POST', target, headers);
      expect([status, body.code], path).to.deep.equal([401, 'unauthorized']);
    }
  });

  it('is the named account, in every encoding of the name', async () => {
    for (const [index, [target, secret, provider]] of (
      [
        ['/api/webhooks/sms', webhookSecret, 'text-co'],
        ['/api/webhooks/sms?provider=%74ext-co', webhookSecret, 'text-co'],
        ['/api/webhooks/sms?%70rovider=other-co', otherSecret, 'other-co'],
        ['/api/webhooks/sms#?provider=other-co', webhookSecret, 'text-co'],
      ] as const
    ).entries()) {
      const { status, body } = await post(
        target,
        { ...inboundSms, messaging_provider_id: `m-${index}` },
        secret,
      );
      expect([status, body.provider], target).to.deep.equal([200, provider]);
    }
  });
});

describe('A service without API keys', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({ ALLOWED_HOSTS: 'messaging.internal,gateway.internal:8443' });
  });
  after(() => service.stop());

  const ask = (headers: Record<string, string>, target = '/api/conversations') =>
    exchange(service.url, 'GET', target, headers);

  for (const host of [
    'localhost',
    'LOCALHOST:8080',
    '127.0.0.1',
    '127.1.2.3:80',
    '[::1]:8080',
    'messaging.internal',
    'Messaging.Internal:8080',
    'gateway.internal:8443',
  ])
    it(`accepts requests for the host ${host}`, async () => {
      expect((await ask({ host })).status).to.equal(200);
    });

  for (const host of [
    'evil.example',
    'localhost.evil.example',
    'evil.example:8080',
    'localhost@evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.999',
    '127.1',
    '2130706433',
    '0.0.0.0',
    'localhost:8080:80',
    'gateway.internal',
    '[::ffff:127.0.0.1]',
  ])
    it(`refuses the host "${host}" with 403`, async () => {
      for (const target of ['/api/conversations', '/readyz', '/docs', '/nowhere']) {
        const { status, body } = await ask({ host }, target);
        expect([status, body.code], target).to.deep.equal([403, 'forbidden']);
      }
    });

  for (const [title, request] of [
    ['no host', 'GET /readyz HTTP/1.0\r\n\r\n'],
    ['an empty host', 'GET /readyz HTTP/1.1\r\nhost:\r\n\r\n'],
    ['two hosts', 'GET /readyz HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\r\n'],
    ['two hosts in the other order', 'GET /readyz HTTP/1.1\r\nhost: evil.example\r\nhost: localhost\r\n\r\n'],
  ] as const)
    it(`refuses a request with ${title}`, async () => {
      const connection = await connectRaw(service.url);
      connection.write(request);
      expect(await connection.receive(/\r\n\r\n/)).to.match(/^HTTP\/1\.[01] (400|403) /);
      connection.close();
    });

  it('refuses another host in a request target in absolute form', async () => {
    expect((await ask({ host: 'localhost' }, 'http://evil.example/api/conversations')).status).to.equal(403);
    expect((await ask({ host: 'localhost' }, 'http://localhost/api/conversations')).status).to.equal(200);
  });

  it('refuses the requests of a browser from a page of another origin', async () => {
    const { body: message } = await service.request('POST', '/api/messages/sms', {
      ...sms,
      send_at: new Date(Date.now() + 3_600_000).toISOString(),
    });
    const path = `/api/messages/${message.id}/cancel`;
    for (const origin of [
      'http://evil.example',
      'null',
      'http://localhost:3000',
      'https://localhost.evil',
      'file://',
      '',
    ]) {
      const { status, body } = await exchange(
        service.url,
        'POST',
        path,
        { host: 'localhost:8080', origin },
        '',
      );
      expect([status, body.code], origin).to.deep.equal([403, 'forbidden']);
    }
    expect((await service.client.messages.get(message.id)).status).to.equal('scheduled');
    const own = { host: 'localhost:8080', origin: 'http://localhost:8080' };
    expect((await exchange(service.url, 'POST', path, own, '')).status).to.equal(200);
  });
});

describe('A simulated provider of a service with API keys', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({ API_KEYS: 'shop:correct-horse-battery', SMS_PROVIDERS: '' });
  });
  after(() => service.stop());

  const post = (headers: Record<string, string>) =>
    exchange(
      service.url,
      'POST',
      '/api/webhooks/sms',
      { 'content-type': 'application/json', ...headers },
      JSON.stringify(inboundSms),
    );

  it('can send unsigned webhooks from the same machine', async () => {
    expect((await post({ host: 'localhost:8080' })).status).to.equal(200);
  });

  const remote: Record<string, string>[] = [
    { host: 'messaging.example' },
    { host: 'localhost', 'x-forwarded-for': '203.0.113.7' },
    { host: 'localhost', 'x-forwarded-host': 'localhost' },
    { host: 'localhost', forwarded: 'for=203.0.113.7' },
    { host: 'localhost', via: '1.1 proxy' },
    { host: 'localhost', 'x-real-ip': '203.0.113.7' },
    { host: 'localhost', 'cf-connecting-ip': '203.0.113.7' },
    { host: 'localhost', origin: 'http://evil.example' },
  ];
  for (const headers of remote)
    it(`cannot send unsigned webhooks with the headers of a proxy or another host: ${JSON.stringify(headers)}`, async () => {
      expect((await post(headers)).status).to.equal(401);
    });
});
