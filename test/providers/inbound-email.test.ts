import { expect } from 'chai';
import type { Message } from '../../sdk/src/index.ts';
import { credentialsOf } from '../../src/simulator/dialects/postmark/webhooks.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import type { Accepted } from '../../src/simulator/store.ts';
import { query } from '../support/database.ts';
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

  it('that cannot be read is answered with success and kept in the quarantine at its first attempt', async () => {
    const form = (name: string, value: string) =>
      `--a\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n--a--\r\n`;
    const type = { 'content-type': 'multipart/form-data; boundary=a' };
    const bySendgrid = (body: string, headers = {}): [string, string, object] => [
      ...(['sendgrid/inbound', body] as const),
      { ...signedHeaders(body, { key: webhookSecret }), ...type, ...headers },
    ];
    const byPostmark = (fields: object): [string, string, object] => [
      ...(['postmark/inbound', JSON.stringify({ MessageID: 'unreadable', ...fields })] as const),
      authorized(credentialsOf(webhookSecret).password),
    ];
    const file = { Name: 'a', Content: 'QQ==', ContentType: 'text/plain' };
    const cases: [about: string, reason: string | null, ...ReturnType<typeof byPostmark>][] = [
      [
        'headers beyond the limit',
        'unreadable_email',
        ...bySendgrid(form('headers', `X: ${'a'.repeat(6e5)}`)),
      ],
      ['a raw email of zero bytes', null, ...bySendgrid(form('email', ''))],
      ['no form', 'unknown_shape', ...bySendgrid('', { 'content-type': 'text/plain' })],
      ['too many files', 'unreadable_email', ...byPostmark({ Attachments: Array(1_001).fill(file) })],
      ['no id', 'unknown_shape', ...byPostmark({ MessageID: 7 })],
      [
        ...(['fields of wrong types', null] as const),
        ...byPostmark({
          ...{
            From: 7,
            FromFull: ['x', null],
            ToFull: { Email: [] },
            Cc: {},
            Subject: [],
            Date: {},
            Headers: 'x',
          },
          ...{
            Attachments: [null, 7, { Name: 1, Content: {} }],
            TextBody: 1,
            OriginalRecipient: {},
            Tag: [],
          },
        }),
      ],
    ];
    for (const [about, reason, path, body, headers] of cases) {
      const response = await fetch(`${service.url}/api/webhooks/${path}`, {
        ...{ method: 'POST', body, headers: headers as Record<string, string> },
      });
      expect(response.status, about).to.equal(200);
      const stored = await until(async () => {
        const { data } = (await service.request('GET', '/api/quarantine')).body;
        return data.every(({ state }: { state: string }) => state === 'quarantined') && data;
      }, `the webhook with ${about} is processed`);
      const found = stored.map(({ reason: kept, attempts }: Record<string, unknown>) => [kept, attempts]);
      expect(found, about).to.deep.equal(reason === null ? [] : [[reason, 1]]);
      for (const { id } of stored) await service.request('DELETE', `/api/quarantine/${id}`);
    }
  });

  it('does not share a fault: of an array of events, those that can be read count', async () => {
    const event = (n: number, more: object = {}) => ({
      ...{
        sg_message_id: `array.${n}`,
        event: 'open',
        email: `ada-${n}@example.net`,
        timestamp: 1_795_680_000,
      },
      ...more,
    });
    const odd = { email: {}, timestamp: [], reason: 7, response: {}, 'smtp-id': [], url: {} };
    const events = [
      event(1),
      7,
      null,
      [],
      { event: 7 },
      event(2, { email: 'a\0b' }),
      event(3, odd),
      event(4),
    ];
    const body = JSON.stringify(events);
    const headers = signedHeaders(body, { key: webhookSecret });
    const response = await fetch(`${service.url}/api/webhooks/sendgrid`, { method: 'POST', body, headers });
    expect(response.status).to.equal(200);
    const rows = await query<{ provider_message_id: string }>(
      ...([
        service.databaseUrl,
        "select provider_message_id from delivery_receipts where payload->>'event' = 'open' and message_id is null order by 1",
      ] as const),
    );
    expect(rows.map(({ provider_message_id: id }) => id)).to.deep.equal(['array.1', 'array.3', 'array.4']);
    const { data } = (await service.request('GET', '/api/quarantine')).body;
    expect(data.map(({ reason }: { reason: string }) => reason)).to.deep.equal(['unstorable_text']);
  });
});
