import { createPublicKey, verify } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { mms, sms } from '../../support/bodies.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { type ProviderServer, startProviderServer } from '../../support/provider-server.ts';
import { APPLICATION_ID, PUBLIC_KEY, uuidOf, vonageEnvironment } from '../../support/vonage.ts';

interface Call {
  url: string | undefined;
  authorization: string;
  body: Record<string, unknown>;
}

/** What only Vonage has; `conformance/vonage.test.ts` has the behaviour that all kinds share. */
describe('A Vonage account', function () {
  this.timeout(60_000);
  let vonage: ProviderServer;
  let service: Harness;
  const calls: Call[] = [];
  let lastId = 10_000;
  const listener: RequestListener = async (request, response) => {
    const body = JSON.parse(await text(request));
    calls.push({ url: request.url, authorization: String(request.headers.authorization), body });
    response.writeHead(202, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ message_uuid: uuidOf(++lastId) }));
  };
  before(async () => {
    vonage = await startProviderServer(listener);
    service = await startHarness(vonageEnvironment(vonage.url));
  });
  after(async () => {
    await service.stop();
    await vonage.stop();
  });
  beforeEach(() => {
    calls.length = 0;
  });

  const send = async (body: object = sms) => {
    const { body: message } = await service.request('POST', '/api/messages/sms', body);
    await service.untilStatus(message.id, 'sent');
  };

  it('sends JSON with numbers without +, an echo, a status URL, and a token of the application', async () => {
    await send({ ...sms, body: 'a+b & ü 👋' });
    const [call = expect.fail('no request was made')] = calls;
    expect(call.url).to.equal('/v1/messages');
    const { client_ref, ...body } = call.body;
    expect(body).to.deep.equal({
      ...{ channel: 'sms', message_type: 'text', text: 'a+b & ü 👋', to: '18045551234', from: '12016661234' },
      ...{ webhook_url: 'https://messaging.example/api/webhooks/vonage', webhook_version: 'v1' },
    });
    expect(client_ref).to.match(/^[\w-]{24,36}$/);
    const [, content = '', payload = '', signature = ''] =
      /^Bearer ([\w-]+\.([\w-]+))\.([\w-]+)$/.exec(call.authorization) ?? [];
    const key = createPublicKey(PUBLIC_KEY);
    expect(verify('sha256', Buffer.from(content), key, Buffer.from(signature, 'base64url'))).to.equal(true);
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString()).application_id).to.equal(APPLICATION_ID);
  });

  it('sends a sender id and a short code as they are', async () => {
    for (const from of ['ACME', '72000', 'Acme Shop']) await send({ ...sms, from });
    expect(calls.map(({ body }) => body.from)).to.deep.equal(['ACME', '72000', 'Acme Shop']);
  });

  const files: [url: string, type: string][] = [
    ['https://a.example/b.jpg', 'image'],
    ['https://a.example/b.PNG?size=2.mp4', 'image'],
    ['https://a.example/b.gif#c.vcf', 'image'],
    ['https://a.example/b', 'image'],
    ['https://a.example/b.unknown', 'image'],
    ['https://a.example/b.mp3', 'audio'],
    ['https://a.example/b.mp4', 'video'],
    ['https://a.example/b.3gp', 'video'],
    ['https://a.example/b.vcf?v=1', 'vcard'],
    ['https://a.example/b.pdf', 'file'],
  ];
  for (const [url, type] of files)
    it(`sends ${url} as ${type}, with the text as its caption`, async () => {
      await send({ ...mms, body: 'Look', attachments: [url] });
      await send({ ...mms, body: '', attachments: [url] });
      const content = calls.map(({ body: { channel, message_type, text: own, [type]: media } }) => ({
        ...{ channel, message_type, text: own, media },
      }));
      const common = { channel: 'mms', message_type: type, text: undefined };
      expect(content).to.deep.equal([
        { ...common, media: { url, caption: 'Look' } },
        { ...common, media: { url } },
      ]);
    });

  it('sends an MMS without media as an MMS with text', async () => {
    await send({ ...mms, body: 'Hello', attachments: [] });
    expect(calls[0]?.body).to.include({ channel: 'mms', message_type: 'text', text: 'Hello' });
  });

  it('refuses what it cannot send whole: two media, a group, 1,001 characters', async () => {
    const two = { ...mms, attachments: ['https://a.example/1.png', 'https://a.example/2.png'] };
    const cases: [body: object, path: string, limit: string][] = [
      [two, '/body/attachments', 'vonage (kind vonage) sends at most 1 attachment'],
      [{ ...mms, to: [sms.to, '+18045550002'] }, '/body/to', 'vonage (kind vonage) sends no group messages'],
      [
        { ...sms, body: '👋'.repeat(1_001) },
        '/body/body',
        'vonage (kind vonage) sends at most 1000 characters',
      ],
    ];
    for (const [message, path, limit] of cases) {
      const { status, body } = await service.request('POST', '/api/messages/sms', message);
      expect([status, body.code, body.errors[0].path]).to.deep.equal([422, 'missing_capability', path]);
      expect(body.errors[0].message).to.include(limit);
    }
    await send({ ...sms, body: '👋'.repeat(1_000) });
    expect(calls).to.have.length(1);
  });
});
