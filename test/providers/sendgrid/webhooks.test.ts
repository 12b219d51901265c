import { expect } from 'chai';
import type { InboundWebhooks } from '../../../src/providers/provider.ts';
import { IncomingWebhook, type WebhookContent } from '../../../src/providers/webhook.ts';
import { sendgridProvider, signedHeaders, WEBHOOK_PATH } from '../../support/sendgrid.ts';

const provider = sendgridProvider('http://127.0.0.1:9');
const SG_ID = '14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0';
const PREFIX = '14c5d75ce93.dfd.64b469';

function webhookOf(body: string | Buffer, headers: Record<string, string> = {}): IncomingWebhook {
  const readBody = async () => Buffer.from(body);
  return new IncomingWebhook({ headers, target: WEBHOOK_PATH, publicUrl: null, readBody });
}
const event = (more: object) => ({
  email: 'b@example.com',
  timestamp: 1_795_687_202,
  sg_message_id: SG_ID,
  ...more,
});
const read = async (...events: unknown[]) => {
  const content = await provider.parse(webhookOf(`${JSON.stringify(events)}\r\n`));
  return content as WebhookContent;
};
const receiptOf = async (more: object) => (await read(event(more))).receipts[0];

describe('A webhook of SendGrid', () => {
  it('is verified over its raw bytes, with the line end', async () => {
    const body = `${JSON.stringify([event({ event: 'delivered' })])}\r\n`;
    const verify = (text: string, headers: Record<string, string>) =>
      provider.verify(webhookOf(text, headers));
    expect(await verify(body, signedHeaders(body))).to.equal('valid');
    expect(await verify(body.trimEnd(), signedHeaders(body))).to.equal('invalid');
    expect(await verify(body, signedHeaders(body, { key: 'other' }))).to.equal('invalid');
    expect(await verify(body, {})).to.equal('absent');
    const old = Math.floor(Date.now() / 1_000) - 26 * 3_600;
    expect(await verify(body, signedHeaders(body, { at: old }))).to.equal('invalid');
  });

  const WORDS: [event: object, receipt: object][] = [
    [{ event: 'processed' }, { status: 'sent' }],
    [
      { event: 'deferred', response: '451 later', attempt: '3' },
      { status: 'deferred', error: { code: 'deferred', detail: '451 later' }, errorClass: 'unreachable' },
    ],
    [{ event: 'delivered', response: '250 OK' }, { status: 'delivered' }],
    [
      { event: 'bounce', type: 'bounce', status: '5.1.1', bounce_classification: 'Invalid Address' },
      { status: 'bounced', bounce: 'hard', errorClass: 'invalid_destination' },
    ],
    [
      { event: 'bounce', type: 'bounce', reason: '550 no' },
      { status: 'bounced', bounce: 'hard' },
    ],
    [
      { event: 'bounce', type: 'bounce', status: '5.7.1', bounce_classification: 'Content' },
      { status: 'bounced', bounce: 'soft', errorClass: 'unreachable' },
    ],
    [
      { event: 'bounce', type: 'blocked', status: '5.1.1' },
      { status: 'bounced', bounce: 'soft' },
    ],
    [
      { event: 'dropped', reason: 'Bounced Address' },
      {
        status: 'dropped',
        errorClass: 'invalid_destination',
        error: { code: 'bounced_address', detail: 'Bounced Address' },
      },
    ],
    [
      { event: 'dropped', reason: 'Spam Content (if Spam Checker app enabled)' },
      { errorClass: 'content_rejected' },
    ],
    [{ event: 'dropped' }, { status: 'dropped', error: { code: 'dropped', detail: null } }],
    [{ event: 'open' }, { status: 'opened' }],
    [{ event: 'click', url: 'https://example.com' }, { status: 'clicked' }],
    [{ event: 'spamreport' }, { status: 'complained' }],
    [{ event: 'unsubscribe' }, { status: 'unsubscribed' }],
    [{ event: 'group_unsubscribe', asm_group_id: 10 }, { status: 'unsubscribed' }],
    [{ event: 'group_resubscribe', asm_group_id: 10 }, { status: 'group_resubscribe' }],
    [{ event: 'constructor' }, { status: 'constructor' }],
  ];

  it('gives each event the word of the service, the recipient, and the id of the send', async () => {
    for (const [given, expected] of WORDS) {
      const receipt = await receiptOf(given);
      expect(receipt, JSON.stringify(given)).to.deep.include({
        ...{ providerMessageId: PREFIX, echo: null, recipient: 'b@example.com', ofOne: true },
        timestamp: 1_795_687_202,
        ...expected,
      });
    }
  });

  it('of a recipient who has unsubscribed earlier reports the refusal', async () => {
    for (const reason of ['Unsubscribed Address', 'Spam Reporting Address']) {
      const { receipts, optOuts } = await read(event({ event: 'dropped', reason }));
      expect(receipts[0]).to.include({ status: 'dropped', errorClass: 'opted_out' });
      expect(optOuts).to.deep.equal([
        {
          ...{ action: 'stop', address: 'b@example.com', sender: undefined },
          ...{ providerMessageId: PREFIX, isRefusal: true },
        },
      ]);
    }
  });

  it('has the same key when SendGrid repeats an event under another id, and another key for another event', async () => {
    const keyOf = async (more: object) =>
      (await receiptOf({ event: 'click', url: 'https://a.example', ...more }))?.dedupeKey;
    const key = await keyOf({ sg_event_id: 'one' });
    expect(await keyOf({ sg_event_id: 'two' })).to.equal(key);
    const others = [
      { url: 'https://b.example' },
      { timestamp: 1_795_687_203 },
      { email: 'c@example.com' },
      { event: 'open' },
    ];
    for (const other of others) expect(await keyOf(other), JSON.stringify(other)).not.to.equal(key);
  });

  it('gives the id before the suffix of either form, the echo, and no Message-ID of SendGrid itself', async () => {
    const id = async (sg_message_id: unknown) =>
      (await receiptOf({ event: 'open', sg_message_id, echo: '1-a' }))?.providerMessageId;
    expect(await id('abc.recvd-6dbf9c-1.2')).to.equal('abc');
    expect(await id('abc')).to.equal('abc');
    expect(await id(undefined)).to.equal(null);
    const wire = async (smtpId: string) =>
      (await receiptOf({ event: 'processed', 'smtp-id': smtpId }))?.wireMessageId;
    expect(await wire('<m42@example.com>')).to.equal('m42@example.com');
    expect(await wire('<x@geopod-ismtpd-1>')).to.equal(undefined);
    expect(await wire('<x@ismtpd0006p1sjc2.sendgrid.net>')).to.equal(undefined);
  });

  it('with many events gives a receipt for each, and other bodies have no known form', async () => {
    const many = Array.from({ length: 1_000 }, (_, index) =>
      event({ event: 'delivered', email: `${index}@example.com` }),
    );
    const { receipts } = await read(...many, { event: 'open' }, null, 5, { email: 'x@example.com' });
    expect(receipts).to.have.lengthOf(1_000);
    for (const body of ['{}', '[]', 'no JSON', '[{"event":"open"}]', '[null]'])
      expect(await provider.parse(webhookOf(body)), body).to.equal(null);
  });
});

const BOUNDARY = 'xYzZY';
/** The body of a form whose parts are bytes. */
function form(parts: Record<string, string | Buffer>): Buffer {
  const chunks = Object.entries(parts).flatMap(([head, content]) => [
    Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name=${head}\r\n\r\n`),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...chunks, Buffer.from(`--${BOUNDARY}--\r\n`)]);
}

describe('An inbound email of SendGrid', () => {
  const inbound = provider.inbound as InboundWebhooks;
  const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
  const parse = (body: Buffer) => inbound.parse(webhookOf(body, headers));
  const envelope = JSON.stringify({ to: ['in@example.com', 'two@example.com'], from: 'b@example.net' });

  it('is verified by its signature, or by the credentials of the account', async () => {
    const body = form({ '"email"': 'From: a@example.net\r\n\r\nHi' });
    const at = (hours: number) => ({ at: Math.floor(Date.now() / 1_000) - hours * 3_600 });
    const verify = (given: Record<string, string>) =>
      inbound.verify(webhookOf(body, { ...headers, ...given }));
    expect(await verify(signedHeaders(body))).to.equal('valid');
    expect(await verify(signedHeaders(body, at(72)))).to.equal('valid');
    expect(await verify(signedHeaders(body, at(74)))).to.equal('invalid');
    expect(await verify(signedHeaders('other'))).to.equal('invalid');
    expect(await verify({})).to.equal('absent');
    const credentials = { user: 'sendgrid', passwords: ['a-password-0123456789', 'the-one-before-it-0123'] };
    const basic = sendgridProvider('http://127.0.0.1:9', { inbound: { credentials } })
      .inbound as InboundWebhooks;
    const as = (user: string, password: string) =>
      basic.verify(
        webhookOf(body, { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }),
      );
    expect(await as('sendgrid', 'a-password-0123456789')).to.equal('valid');
    expect(await as('sendgrid', 'the-one-before-it-0123')).to.equal('valid');
    expect(await as('sendgrid', 'a-password-0123456788')).to.equal('invalid');
    expect(await as('other', 'a-password-0123456789')).to.equal('invalid');
    expect(await basic.verify(webhookOf(body, signedHeaders(body)))).to.equal('absent');
    expect(sendgridProvider('http://127.0.0.1:9', { inbound: null }).inbound).to.equal(undefined);
  });

  it('that is raw keeps every byte, with the envelope and the score', async () => {
    const raw = Buffer.from('From: a@example.net\r\nSubject: \xe9\xff\0\r\n\r\n\x80\x81 text', 'latin1');
    const content = await parse(
      form({ '"email"': raw, '"envelope"': envelope, '"spam_score"': '3.1', '"SPF"': 'pass' }),
    );
    const [message] = content?.messages ?? [];
    expect(message?.mail).to.deep.equal({
      content: { raw },
      ...{ envelopeFrom: 'b@example.net', envelopeTo: ['in@example.com', 'two@example.com'] },
      spam: { score: 3.1, flagged: null },
    });
    expect(message?.payload).to.deep.equal({
      envelope: JSON.parse(envelope),
      ...{ SPF: 'pass', spam_score: '3.1' },
    });
    expect(message?.providerMessageId).to.match(/^[\w-]{43}$/);
    const bounce = await parse(form({ '"email"': raw, '"envelope"': '{"to":["in@example.com"],"from":""}' }));
    expect(bounce?.messages[0]?.mail).to.deep.include({ envelopeFrom: null, spam: null });
  });

  it('in parts has its headers, its texts in their charsets, and its files with their ids', async () => {
    const written =
      'From: =?UTF-8?Q?Zo=C3=AB?= <b@example.net>\r\nTo: in@example.com\r\nCc: c@example.net,\r\n d@example.net\r\n' +
      'Subject: =?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=\r\nMessage-ID: <m1@mail.example>\r\n' +
      'References: <a@x> <b@x>\r\nIn-Reply-To: <b@x>\r\nContent-Type: multipart/mixed; boundary="q"\r\n';
    const content = await parse(
      form({
        '"headers"': written,
        '"text"': Buffer.from('Gr\xfc\xdfe', 'latin1'),
        '"html"': '<p>Grüße <img src="cid:logo@x"></p>',
        '"subject"': '日本',
        '"charsets"': '{"text":"iso-8859-1","html":"UTF-8","subject":"UTF-8"}',
        '"envelope"': envelope,
        '"attachments"': '2',
        '"attachment-info"':
          '{"attachment1":{"filename":"領収書.pdf","type":"application/pdf"},"attachment2":{"filename":"logo.png","type":"image/png","content-id":"logo@x"}}',
        '"content-ids"': '{"logo@x":"attachment2"}',
        '"attachment2"; filename="logo.png"\r\nContent-Type: image/png': Buffer.from([1, 0, 255]),
        '"attachment1"; filename="a.pdf"\r\nContent-Type: application/pdf; x=1': '%PDF',
      }),
    );
    const mail = content?.messages[0]?.mail;
    if (!mail || !('parsed' in mail.content)) throw new Error('The email is not in parts');
    const { parsed } = mail.content;
    expect(parsed).to.deep.include({
      ...{
        from: '=?UTF-8?Q?Zo=C3=AB?= <b@example.net>',
        subject: '日本',
        messageId: 'm1@mail.example',
        inReplyTo: ['b@x'],
      },
      ...{ references: ['a@x', 'b@x'], text: 'Grüße', html: '<p>Grüße <img src="cid:logo@x"></p>' },
    });
    expect([parsed.to, parsed.cc].flat().join()).to.match(/^in@example.com,c@example.net,\s*d@example.net$/);
    expect(parsed.files).to.deep.equal([
      {
        ...{ name: '領収書.pdf', contentType: 'application/pdf', contentId: null, disposition: 'attachment' },
        content: Buffer.from('%PDF'),
      },
      {
        ...{ name: 'logo.png', contentType: 'image/png', contentId: 'logo@x', disposition: 'inline' },
        content: Buffer.from([1, 0, 255]),
      },
    ]);
  });

  it('with unknown charsets or broken JSON is read as far as possible', async () => {
    const parts = {
      '"headers"': 'From: a@example.net\r\n\r\n',
      '"text"': 'Grüße',
      '"charsets"': '{"text":"klingon"}',
    };
    const content = await parse(
      form({ ...parts, '"envelope"': '{', '"attachment-info"': '[]', '"attachment1"': 'x' }),
    );
    const mail = content?.messages[0]?.mail;
    expect(mail).to.deep.include({ envelopeFrom: undefined, envelopeTo: [] });
    expect(mail?.content).to.have.nested.include({ 'parsed.text': 'Grüße', 'parsed.files[0].name': null });
  });

  it('in a body of another form, or with too many parts, has no known form', async () => {
    const many = Object.fromEntries(Array.from({ length: 1_200 }, (_, index) => [`"f${index}"`, '']));
    for (const body of [Buffer.alloc(0), Buffer.from('{}'), form({}), form({ '"a"': 'b' }), form(many)])
      expect(await parse(body)).to.equal(null);
    expect(
      await inbound.parse(webhookOf(form({ '"email"': 'x' }), { 'content-type': 'application/json' })),
    ).to.equal(null);
    const cut = form({ '"email"': 'From: a@example.net\r\n\r\nHi' }).subarray(0, -20);
    expect(await parse(cut)).to.equal(null);
  });
});
