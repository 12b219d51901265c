import { expect } from 'chai';
import type { Message } from '../../sdk/src/index.ts';
import { credentialsOf } from '../../src/simulator/dialects/postmark/webhooks.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import type { Accepted } from '../../src/simulator/store.ts';
import { type Answer, type Harness, startHarness, webhookSecret } from '../support/harness.ts';
import { authorized } from '../support/postmark.ts';
import { freePort } from '../support/process.ts';
import { publicKeyFor, signedHeaders } from '../support/sendgrid.ts';
import { until } from '../support/until.ts';

const KEY = 'provider-key';

/** The way from a sent email to its reply, through the service and the simulated provider. */
describe('An inbound email', function () {
  this.timeout(60_000);
  let simulator: Simulator;
  let service: Harness;
  before(async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    simulator = await startSimulator({
      ...{ apiKey: KEY, webhookSecret, settings: { service_url: url, receipts: { delay_ms: 5 } } },
    });
    const publicKey = publicKeyFor(webhookSecret);
    service = await startHarness({
      ...{ PORT: String(port), PUBLIC_URL: url, EMAIL_PROVIDERS: 'sendgrid,postmark' },
      ...{ SENDGRID_URL: `${simulator.url}/sendgrid`, SENDGRID_API_KEY: KEY },
      ...{ SENDGRID_EVENT_PUBLIC_KEY: publicKey, SENDGRID_INBOUND_PUBLIC_KEY: publicKey },
      ...{ SENDGRID_SENDERS: 'sendgrid.example', POSTMARK_SENDERS: 'postmark.example' },
      ...{ POSTMARK_URL: `${simulator.url}/postmark`, POSTMARK_SERVER_TOKEN: KEY },
      POSTMARK_WEBHOOK_PASSWORD: credentialsOf(webhookSecret).password,
    });
  });
  after(async () => {
    await service?.stop();
    await simulator?.stop();
  });

  async function control<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${simulator.url}/_control/${path}`, {
      ...{ method, headers: { 'content-type': 'application/json' } },
      ...(body && { body: JSON.stringify(body) }),
    });
    expect(response.status, path).to.be.within(200, 201);
    return (await response.json()) as T;
  }
  /** The Message-ID of the last email that a provider accepted. */
  async function messageIdOnTheWire(): Promise<string> {
    const { data } = await control<{ data: Accepted[] }>('GET', 'messages?channel=email');
    const { headers, Headers } = (data.at(-1) as Accepted).request as {
      headers?: Record<string, string>;
      Headers?: { Name: string; Value: string }[];
    };
    const id = headers?.['Message-ID'] ?? Headers?.find(({ Name }) => Name === 'Message-ID')?.Value;
    return String(id);
  }
  const inboundFrom = (from: string): Promise<Message> =>
    until(async () => {
      const { body }: Answer = await service.request('GET', '/api/messages?direction=inbound&limit=100');
      return body.data.find((message: Message) => message.from === from);
    }, `the email of ${from} is recorded`);

  const FORMS: [title: string, dialect: 'sendgrid' | 'postmark', more: object][] = [
    ['of SendGrid, raw', 'sendgrid', {}],
    ['of SendGrid, in parts', 'sendgrid', { in_parts: true }],
    ['of Postmark', 'postmark', {}],
  ];
  for (const [index, [title, dialect, more]] of FORMS.entries())
    it(`${title}, is recorded whole in the conversation of the email that it answers`, async () => {
      const [ours, theirs] = [`shop@${dialect}.example`, `ada-${index}@example.net`];
      const email = { from: ours, to: theirs, subject: 'Order 7', text: 'It is on its way.' };
      const sent = await service.request('POST', '/api/messages/email', email);
      expect(sent.status, JSON.stringify(sent.body)).to.equal(202);
      await service.untilStatus(sent.body.id, 'delivered');
      const { id: file } = await control<{ id: string }>('POST', 'files', {
        ...{
          content_type: 'application/pdf',
          name: '領収書.pdf',
          content: Buffer.from('%PDF').toString('base64'),
        },
      });
      const inReplyTo = await messageIdOnTheWire();
      const { status } = await control<{ status: number }>('POST', 'inbound', {
        ...{ channel: 'email', dialect, files: [file], from: `Ada <${theirs}>`, to: ours, ...more },
        ...{ subject: 'Re: Order 7', text: 'Thanks, Grüße!', html: '<p>Thanks, <b>Grüße!</b></p>' },
        ...{ in_reply_to: inReplyTo, references: [inReplyTo] },
      });
      expect(status).to.equal(200);
      const { id } = await inboundFrom(theirs);
      const { body: message } = await service.request('GET', `/api/messages/${id}`);
      expect(message).to.deep.include({
        ...{ to: [ours], subject: 'Re: Order 7', provider: dialect, type: 'email' },
        ...{ conversation_id: sent.body.conversation_id, in_reply_to: sent.body.id },
      });
      expect(message.text.trim()).to.equal('Thanks, Grüße!');
      expect(message.html.trim()).to.equal('<p>Thanks, <b>Grüße!</b></p>');
      const [media, ...others] = message.media;
      expect(others).to.deep.equal([]);
      expect(media).to.include({ state: 'stored', content_type: 'application/pdf', name: '領収書.pdf' });
      expect(await (await fetch(media.url)).text()).to.equal('%PDF');
    });

  it('with another signature or another password is 401, and nothing is stored', async () => {
    const post = async (path: string, headers: Record<string, string>, body: string) =>
      (await fetch(`${service.url}/api/webhooks/${path}`, { method: 'POST', headers, body })).status;
    const form =
      '--a\r\nContent-Disposition: form-data; name="email"\r\n\r\nFrom: eve@example.net\r\n\r\nHi\r\n--a--\r\n';
    const type = { 'content-type': 'multipart/form-data; boundary=a' };
    const json = JSON.stringify({ MessageID: 'a', From: 'eve@example.net', To: 'shop@postmark.example' });
    const forged = { ...signedHeaders(form, { key: 'other' }), ...type };
    expect(await post('sendgrid/inbound', forged, form)).to.equal(401);
    expect(await post('sendgrid/inbound', type, form)).to.equal(401);
    expect(await post('postmark/inbound', authorized('another-password-0123'), json)).to.equal(401);
    expect(await post('postmark', authorized('another-password-0123'), json)).to.equal(401);
    const { body } = await service.request('GET', '/api/quarantine');
    expect(body.data).to.deep.equal([]);
  });
});
