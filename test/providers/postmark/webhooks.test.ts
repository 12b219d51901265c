import { expect } from 'chai';
import type { InboundWebhooks } from '../../../src/providers/provider.ts';
import { IncomingWebhook } from '../../../src/providers/webhook.ts';
import { authorized, PASSWORD, postmarkProvider, WEBHOOK_PATH } from '../../support/postmark.ts';

const provider = postmarkProvider('http://127.0.0.1:9');
const ID = '00000000-0000-4000-8000-000000000001';
const NONE = '00000000-0000-0000-0000-000000000000';
const AT = '2026-11-26T10:00:02Z';

function webhookOf(body: unknown, headers: Record<string, string> = {}): IncomingWebhook {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const readBody = async () => Buffer.from(text);
  return new IncomingWebhook({ headers, target: WEBHOOK_PATH, publicUrl: null, readBody });
}
const event = (RecordType: string, more: object = {}) => ({
  ...{ RecordType, MessageID: ID, MessageStream: 'outbound', Metadata: { echo: '1-a' } },
  ...more,
});
const read = (body: unknown) => provider.parse(webhookOf(body));
const bounce = (Type: string, more: object = {}) =>
  event('Bounce', { ID: 7, Type, Email: 'b@example.com', BouncedAt: AT, Details: '550 5.1.1', ...more });
const subscription = (more: object) =>
  event('SubscriptionChange', {
    ...{ Recipient: 'b@example.com', ChangedAt: AT, Origin: 'Recipient', SuppressSending: true },
    ...{ SuppressionReason: 'ManualSuppression', ...more },
  });

describe('A webhook of Postmark', () => {
  it('is verified by the credentials in its URL', async () => {
    const verify = (headers: Record<string, string>) => provider.verify(webhookOf('{}', headers));
    expect(await verify(authorized())).to.equal('valid');
    expect(await verify(authorized(`${PASSWORD.slice(0, -1)}4`))).to.equal('invalid');
    expect(await verify(authorized(`${PASSWORD}0`))).to.equal('invalid');
    expect(await verify({ authorization: `Bearer ${PASSWORD}` })).to.equal('invalid');
    expect(await verify({ authorization: 'Basic' })).to.equal('invalid');
    expect(await verify({})).to.equal('absent');
  });

  const WORDS: [event: object, receipt: object][] = [
    [event('Delivery', { Recipient: 'b@example.com', DeliveredAt: AT }), { status: 'delivered' }],
    [
      bounce('HardBounce'),
      {
        ...{ status: 'bounced', bounce: 'hard', errorClass: 'invalid_destination' },
        error: { code: 'HardBounce', detail: '550 5.1.1' },
      },
    ],
    [bounce('BadEmailAddress'), { status: 'bounced', bounce: 'hard' }],
    [bounce('SoftBounce'), { status: 'bounced', bounce: 'soft', errorClass: 'unreachable' }],
    [bounce('Blocked', { Inactive: true }), { status: 'bounced', bounce: 'soft' }],
    [bounce('SpamNotification'), { status: 'bounced', errorClass: 'content_rejected' }],
    [bounce('Transient'), { status: 'deferred' }],
    [bounce('ManuallyDeactivated'), { status: 'dropped', errorClass: 'opted_out' }],
    [bounce('SpamComplaint'), { status: 'complained' }],
    [bounce('Unsubscribe'), { status: 'unsubscribed' }],
    [bounce('AutoResponder'), { status: 'autoresponder' }],
    [bounce('constructor'), { status: 'constructor' }],
    [event('SpamComplaint', { Email: 'b@example.com', BouncedAt: AT }), { status: 'complained' }],
    [subscription({}), { status: 'unsubscribed' }],
    [subscription({ SuppressionReason: 'HardBounce' }), { status: 'suppressed' }],
    [subscription({ Origin: 'Customer' }), { status: 'suppressed' }],
    [subscription({ SuppressSending: false }), { status: 'resubscribed' }],
    [event('Open', { Recipient: 'b@example.com', ReceivedAt: AT }), { status: 'opened' }],
    [event('Click', { Recipient: 'b@example.com', ReceivedAt: AT }), { status: 'clicked' }],
  ];

  it('gives each event the word of the service, the recipient, the time and the ids', async () => {
    for (const [given, expected] of WORDS) {
      const content = await read(given);
      expect(content?.receipts, JSON.stringify(given)).to.have.lengthOf(1);
      expect(content?.receipts[0], JSON.stringify(given)).to.deep.include({
        ...{ providerMessageId: ID, echo: '1-a', recipient: 'b@example.com', ofOne: true },
        ...{ timestamp: AT, payload: given },
        ...expected,
      });
    }
  });

  it('has the same key when it is repeated, and another key for another event', async () => {
    const keyOf = async (body: object) => (await read(body))?.receipts[0]?.dedupeKey;
    const click = (more: object = {}) =>
      event('Click', {
        Recipient: 'b@example.com',
        ReceivedAt: AT,
        OriginalLink: 'https://a.example',
        ...more,
      });
    expect(await keyOf(click({ UserAgent: 'x' }))).to.equal(await keyOf(click()));
    const others = [
      { OriginalLink: 'https://b.example' },
      { ReceivedAt: '2026-11-26T10:00:03Z' },
      { Recipient: 'c@example.com' },
    ];
    for (const other of others) expect(await keyOf(click(other))).not.to.equal(await keyOf(click()));
    expect(await keyOf(bounce('Transient', { ID: 8 }))).not.to.equal(await keyOf(bounce('Transient')));
  });

  it('about a suppression without an email is a request of its recipient, and nothing else', async () => {
    const without = { MessageID: NONE, Metadata: {} };
    const [optOut, ...others] = (await read(subscription(without)))?.optOuts ?? [];
    expect(optOut).to.include({ action: 'stop', address: 'b@example.com' });
    expect(others).to.deep.equal([]);
    const content = await read(subscription({ ...without, Origin: 'Customer' }));
    expect(content).to.deep.equal({ messages: [], receipts: [], optOuts: [] });
  });

  it('of another form has no known form', async () => {
    for (const body of ['no JSON', '[]', '{}', { RecordType: 'Bounce' }, { MessageID: ID }])
      expect(await read(body), JSON.stringify(body)).to.equal(null);
  });
});

describe('An inbound email of Postmark', () => {
  const inbound = provider.inbound as InboundWebhooks;
  const body = (more: object = {}) => ({
    ...{ FromName: 'Zoë', MessageStream: 'inbound', From: 'b@example.net' },
    FromFull: { Email: 'b@example.net', Name: 'Zoë "Z"', MailboxHash: '' },
    To: 'In <in+hash@example.com>, two@example.com',
    ToFull: [
      { Email: 'in+hash@example.com', Name: 'In', MailboxHash: 'hash' },
      { Email: 'two@example.com', Name: '', MailboxHash: '' },
    ],
    ...{ Cc: '', CcFull: [], Bcc: '', BccFull: [], OriginalRecipient: 'in+hash@example.com' },
    ...{ Subject: '日本', MessageID: '22c74902-a0c1-4511-804f2-341342852c90', ReplyTo: 'r@example.net' },
    ...{ MailboxHash: 'hash', Date: 'Thu, 26 Nov 2026 10:00:00 +0000', TextBody: 'Hi\n> you' },
    ...{ HtmlBody: '<img src="cid:a%40b">', StrippedTextReply: 'Hi', Tag: '' },
    Headers: [
      { Name: 'Return-Path', Value: '<bounce@example.net>' },
      { Name: 'X-Spam-Status', Value: 'Yes' },
      { Name: 'X-Spam-Score', Value: '6.5' },
      { Name: 'Message-ID', Value: '<m1@mail.example>' },
      { Name: 'References', Value: '<a@x> <b@x>' },
      { Name: 'In-Reply-To', Value: '<b@x>' },
      { Name: 'Auto-Submitted', Value: 'auto-replied' },
    ],
    Attachments: [
      {
        Name: 'a.txt',
        Content: 'YWJj',
        ContentType: 'text/plain; charset=utf-8',
        ContentLength: 3,
        ContentID: '',
      },
      { Name: 'logo.png', Content: 'AQD/', ContentType: 'image/png', ContentLength: 3, ContentID: '<a@b>' },
    ],
    ...more,
  });
  const mailOf = async (more: object = {}) => (await inbound.parse(webhookOf(body(more))))?.messages[0]?.mail;

  it('is verified by the credentials in its URL', async () => {
    expect(await inbound.verify(webhookOf('{}', authorized()))).to.equal('valid');
    expect(await inbound.verify(webhookOf('{}', authorized('another-password-0123')))).to.equal('invalid');
  });

  it('has the Message-ID of its headers, the envelope, the reply, the score and the files', async () => {
    const mail = await mailOf();
    expect(mail).to.deep.include({
      ...{ envelopeFrom: 'bounce@example.net', envelopeTo: ['in+hash@example.com'], strippedText: 'Hi' },
      spam: { score: 6.5, flagged: true },
    });
    if (!mail || !('parsed' in mail.content)) throw new Error('The email is not in parts');
    expect(mail.content.parsed).to.deep.include({
      from: '"Zoë \\"Z\\"" <b@example.net>',
      to: ['"In" <in+hash@example.com>', 'two@example.com'],
      ...{ cc: [], replyTo: 'r@example.net', subject: '日本', messageId: 'm1@mail.example' },
      ...{ inReplyTo: ['b@x'], references: ['a@x', 'b@x'], text: 'Hi\n> you' },
    });
    expect(mail.content.parsed.headers).to.deep.include({ name: 'auto-submitted', value: 'auto-replied' });
    expect(mail.content.parsed.files).to.deep.equal([
      {
        ...{ name: 'a.txt', contentType: 'text/plain', contentId: null, disposition: 'attachment' },
        content: Buffer.from('abc'),
      },
      {
        ...{ name: 'logo.png', contentType: 'image/png', contentId: 'a@b', disposition: 'inline' },
        content: Buffer.from([1, 0, 255]),
      },
    ]);
  });

  it('is raw if the stream includes the whole email, unless its bytes are lost', async () => {
    expect((await mailOf({ RawEmail: 'From: a@b.example\r\n\r\nHi' }))?.content).to.deep.equal({
      raw: Buffer.from('From: a@b.example\r\n\r\nHi'),
    });
    expect((await mailOf({ RawEmail: 'Gr\ufffd\ufffde' }))?.content).to.have.property('parsed');
  });

  it('that is a bounce has a null return path, and one without headers has none', async () => {
    const bounced = await mailOf({ Headers: [{ Name: 'Return-Path', Value: '<>' }] });
    expect(bounced).to.deep.include({ envelopeFrom: null, spam: null });
    const bare = await mailOf({
      Headers: null,
      FromFull: null,
      ToFull: null,
      Attachments: null,
      CcFull: null,
    });
    expect(bare).to.deep.include({ envelopeFrom: undefined });
    expect(bare?.content).to.have.nested.include({
      'parsed.from': 'b@example.net',
      'parsed.messageId': null,
    });
  });

  it('of another form has no known form', async () => {
    for (const other of [
      '{}',
      '[]',
      'x',
      { ...body(), RecordType: 'Bounce' },
      { ...body(), MessageID: null },
    ])
      expect(await inbound.parse(webhookOf(other))).to.equal(null);
  });
});
