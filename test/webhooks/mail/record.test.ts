import { expect } from 'chai';
import pg from 'pg';
import type { Message } from '../../../sdk/src/index.ts';
import { mediaCollection } from '../../../src/media/collect.ts';
import { createPostgresStore } from '../../../src/media/postgres-store.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/server.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { deliverMime, mail, mimeEnvironment } from '../../support/mime.ts';
import { PASSWORD } from '../../support/smtp.ts';
import { until } from '../../support/until.ts';
import { refuseBody } from '../../support/webhooks.ts';

const PNG = Buffer.from('89504e470d0a1a0a', 'hex');

function part(headers: string[], body: string): string {
  return ['--b1', ...headers, '', body, ''].join('\r\n');
}

/** An email with HTML that shows a picture, and a PDF with a Japanese name. */
const WHOLE = [
  'Received: from mx.example.com by mx.shop.example; Mon, 23 Nov 2026 09:15:00 +0000',
  'From: "Ada, L." <Ada@Example.com>',
  'To: Support <support@shop.example>, bob@example.com',
  'Cc: carol@example.com',
  'Subject: =?utf-8?q?Caf=C3=A9?=',
  'Date: Mon, 23 Nov 2026 09:14:00 +0100',
  'Message-ID: <whole@example.com>',
  'Reply-To: ada+reply@example.com',
  'X-Mailer: Example 1.0',
  'Content-Type: multipart/mixed; boundary=b1',
  '',
  part(['Content-Type: text/html; charset=utf-8'], '<p>Gr&uuml;&szlig;e <img src="cid:logo@x"></p>'),
  part(
    ['Content-Type: image/png', 'Content-ID: <logo@x>', 'Content-Transfer-Encoding: base64'],
    PNG.toString('base64'),
  ),
  part(
    [
      'Content-Type: application/pdf',
      "Content-Disposition: attachment; filename*=utf-8''%E8%AB%8B%E6%B1%82%E6%9B%B8.pdf",
      'Content-Transfer-Encoding: base64',
    ],
    Buffer.from('%PDF-1.4').toString('base64'),
  ),
  '--b1--',
  '',
].join('\r\n');

/** A delivery status notification about an email to an address. */
function bounce(
  messageId: string,
  address: string,
  status: string,
  type = 'multipart/report; report-type=delivery-status',
): string {
  return [
    'From: MAILER-DAEMON@mx.example.com',
    'To: support@shop.example',
    'Subject: Undelivered',
    `Content-Type: ${type}; boundary=b1`,
    'MIME-Version: 1.0',
    '',
    part(['Content-Type: text/plain'], `Your email to ${address} could not be delivered.`),
    part(
      ['Content-Type: message/delivery-status'],
      [
        'Reporting-MTA: dns; mx.example.com',
        '',
        `Final-Recipient: rfc822; ${address}`,
        'Action: failed',
        `Status: ${status}`,
        `Diagnostic-Code: smtp; 550 ${status} refused`,
      ].join('\r\n'),
    ),
    part(['Content-Type: message/rfc822'], `Message-ID: <${messageId}>\r\nSubject: Order\r\n\r\nHello`),
    '--b1--',
    '',
  ].join('\r\n');
}

describe('A recorded email', () => {
  let service: Harness;
  let simulator: Simulator;
  before(async () => {
    simulator = await startSimulator({ apiKey: PASSWORD, smtp: {} });
    service = await startHarness({
      ...mimeEnvironment,
      EMAIL_PROVIDERS: 'mail-co,smtp',
      MAIL_CO_SENDERS: 'shop.example',
      SMTP_SENDERS: 'smtp.example',
      SMTP_URL: `smtp://shop:${PASSWORD}@127.0.0.1:${simulator.smtpPort}`,
      SMTP_REQUIRE_TLS: 'false',
      PUBLIC_URL: 'https://messaging.example',
    });
  });
  after(async () => {
    await service.stop();
    await simulator.stop();
  });

  const get = async (id: number): Promise<Message> =>
    (await service.request('GET', `/api/messages/${id}`)).body;
  const untilProcessed = () =>
    until(
      async () =>
        (await service.request('GET', '/api/quarantine?account=mime&state=pending')).body.data.length === 0,
      'the inbox is empty',
    );
  /** The messages that the worker has made of emails with this subject. */
  const withSubject = async (subject: string): Promise<Message[]> => {
    await untilProcessed();
    const text = `select id from messages where subject = $1 and direction = 'inbound' order by id`;
    const rows = await query<{ id: string }>(service.databaseUrl, text, [subject]);
    return Promise.all(rows.map(({ id }) => get(Number(id))));
  };
  const receive = async (headers: Record<string, string>, text?: string, envelope = {}) => {
    expect((await deliverMime(service, mail(headers, text), envelope)).status).to.equal(200);
    return (await withSubject(headers.Subject ?? 'Order')).at(-1) as Message;
  };
  const send = async (fields: object = {}) =>
    (
      await service.request('POST', '/api/messages/email', {
        ...{ from: 'support@shop.example', to: 'ada@example.com', body: 'Hello', subject: 'Your order' },
        ...{ attachments: [], timestamp: '2026-11-23T09:00:00Z', ...fields },
      })
    ).body as Message;
  const conversationOf = async ({ conversation_id }: Message) =>
    (await service.request('GET', `/api/conversations/${conversation_id}`)).body.participants.map(
      ({ address }: { address: string }) => address,
    );

  it('has its texts, its addresses, its files and the email as it arrived', async () => {
    expect((await deliverMime(service, WHOLE, { sender: 'ada@example.com' })).status).to.equal(200);
    const [message] = (await withSubject('Café')) as [Message];
    expect(message).to.deep.include({
      ...{
        direction: 'inbound',
        type: 'email',
        from: 'ada@example.com',
        provider: 'mime',
        status: 'received',
      },
      ...{ to: ['support@shop.example', 'bob@example.com'], cc: ['carol@example.com'] },
      ...{ reply_to: 'ada+reply@example.com', timestamp: '2026-11-23T08:14:00.000Z' },
      html: '<p>Gr&uuml;&szlig;e <img src="cid:logo@x"></p>',
      ...{ text: 'Grüße', stripped_text: 'Grüße', internet_message_id: 'whole@example.com' },
      ...{
        headers: { 'x-mailer': 'Example 1.0' },
        delivered_to: ['support@shop.example'],
        auto_reply: false,
      },
      attachments: [],
    });
    const { body } = await service.request('GET', `/api/conversations/${message.conversation_id}`);
    expect(body.last_message).to.include({ id: message.id, preview: 'Grüße' });
    expect(
      message.media?.map(({ name, content_type, size, content_id }) => [
        name,
        content_type,
        size,
        content_id,
      ]),
    ).to.deep.equal([
      [null, 'image/png', 8, 'logo@x'],
      ['請求書.pdf', 'application/pdf', 8, undefined],
    ]);
    expect(message.raw).to.include({ content_type: 'message/rfc822', size: Buffer.byteLength(WHOLE) });
    const content = await fetch(`${service.url}/api/media/${message.raw?.id}/content`);
    expect(await content.text()).to.equal(WHOLE);
    expect(await conversationOf(message)).to.have.members([
      ...['ada@example.com', 'support@shop.example', 'bob@example.com', 'carol@example.com'],
    ]);
  });

  it('is one message for each of its copies, whose mailboxes it names, and whose files are stored once', async () => {
    const files = async () =>
      (await query(service.databaseUrl, "select from media where account = 'mime' and name = '請求書.pdf'"))
        .length;
    const copy = WHOLE.replace('09:15:00', '09:16:00')
      .replace('Caf=C3=A9', 'Copy')
      .replace('whole@', 'copy@');
    const before = await files();
    for (const recipients of [['support@shop.example'], ['Sales@shop.example'], ['sales@shop.example']])
      expect(
        (await deliverMime(service, copy.replace('mx.shop', `${recipients[0]}`), { recipients })).status,
      ).to.equal(200);
    const [message, ...others] = await withSubject('Copy');
    expect(others).to.deep.equal([]);
    await until(
      async () => (await get(message?.id as number)).delivered_to?.length === 2,
      'both mailboxes are named',
    );
    expect((await get(message?.id as number)).delivered_to).to.have.members([
      'support@shop.example',
      'sales@shop.example',
    ]);
    expect(await files()).to.equal(before + 1);
  });

  it('is another message than another email with the same Message-ID', async () => {
    const headers = { 'Message-ID': '<same@example.com>', Subject: 'Same id' };
    for (const text of ['One', 'Two']) await receive(headers, text);
    expect((await withSubject('Same id')).map(({ body }) => body)).to.deep.equal(['One', 'Two']);
  });

  it('has the envelope recipient as a participant only if no header names a mailbox of ours', async () => {
    const recipients = ['support@shop.example'];
    const hidden = await receive({ To: 'list@example.org', Subject: 'Hidden' }, 'Hi', { recipients });
    expect(hidden.to).to.deep.equal(['list@example.org', 'support@shop.example']);
    const named = await receive({ To: 'sales@shop.example', Subject: 'Named' }, 'Hi', { recipients });
    expect([named.to, named.delivered_to]).to.deep.equal([['sales@shop.example'], recipients]);
  });

  it('keeps our mailbox among the recipients of a long list', async () => {
    const recipients = ['support@shop.example'];
    const list = Array.from({ length: 2_000 }, (_, n) => `recipient-${n}@example.org`);
    const { to } = await receive({ To: [...list, ...recipients].join(',\r\n '), Subject: 'Long' }, 'Hi', {
      recipients,
    });
    expect(to).to.deep.equal([...recipients, ...list.slice(0, 299)]);
  });

  it('has the time of its arrival without a plausible date', async () => {
    const start = Date.now();
    const tomorrow = new Date(start + 36 * 60 * 60 * 1_000).toUTCString();
    for (const date of ['Mon, 1 Jan 0001 00:00:00 +0000', 'Wed, 31 Dec 1969 23:59:59 +0000', tomorrow]) {
      const { timestamp } = await receive({ Date: date, Subject: 'Time' }, date);
      expect(Date.parse(timestamp), date).to.be.within(start, Date.now());
    }
    const epoch = await receive({ Date: 'Thu, 1 Jan 1970 00:00:00 +0000', Subject: 'Time' });
    expect(epoch.timestamp).to.equal('1970-01-01T00:00:00.000Z');
  });

  it('gives its sender its display name, unless the sender has a name', async () => {
    const participant = async (address: string) =>
      (await service.request('GET', `/api/participants?address=${address}`)).body.data[0];
    const cases: [string, string, string | null][] = [
      ['=?utf-8?q?Zo=C3=AB_K=0D=0A?= =?utf-8?q?rusche?=', 'ZOE@example.com', 'Zoë K rusche'],
      ['"   "', 'blank@example.com', null],
      ['"carol@example.com"', 'dave@example.com', null],
      ['x'.repeat(300), 'long@example.com', 'x'.repeat(200)],
    ];
    for (const [name, address] of cases)
      void (await deliverMime(service, mail({ From: `${name} <${address}>` })));
    await untilProcessed();
    for (const [given, address, name] of cases)
      expect((await participant(address)).name, given).to.equal(name);
    const { id } = await participant('dave@example.com');
    void (await service.request('PATCH', `/api/participants/${id}`, { name: 'Dave' }));
    await receive({ From: 'David <dave@example.com>' });
    expect((await participant('dave@example.com')).name).to.equal('Dave');
  });

  it('answers an email by In-Reply-To alone, and by References only with the same subject', async () => {
    const sent = await send();
    const id = sent.internet_message_id;
    const answer = await receive({ 'In-Reply-To': `<${id}>`, Subject: 'Something else' });
    expect([answer.in_reply_to, answer.conversation_id]).to.deep.equal([sent.id, sent.conversation_id]);
    const references = `<unknown@example.com> <${id}>\r\n <other@example.com>`;
    const other = await receive({ References: references, Subject: 'Another matter' });
    expect(other.in_reply_to).to.equal(undefined);
    const same = await receive({ References: references, Subject: 'AW: Re: Your  order' });
    expect(same.in_reply_to).to.equal(sent.id);
    const words = [`<${id?.slice(0, 20)}`, `${id?.slice(20)}>`].map(
      (part) => `=?utf-8?q?${part.replace(/[<>@]/g, (char) => `=${char.charCodeAt(0).toString(16)}`)}?=`,
    );
    const encoded = words.join('\r\n ');
    for (const name of ['In-Reply-To', 'References'])
      void (await deliverMime(service, mail({ [name]: encoded, Subject: 'Re: Your order' })));
    const answers = await withSubject('Re: Your order');
    expect(answers.map(({ in_reply_to }) => in_reply_to)).to.deep.equal([sent.id, sent.id]);
  });

  it('is a receipt for the bounced recipient too, who is suppressed if the address will never accept an email', async () => {
    // The third is without a status code, and has a NUL character. The first has the null return path as Postfix names it.
    const cases: [string, string, string | undefined, string][] = [
      ['gone@example.com', '5.1.1', 'hard_bounce', 'Mailer-Daemon'],
      ['full@example.com', '4.2.2', undefined, '<>'],
      ['nobody@example.com', '\0', undefined, ''],
    ];
    for (const [address, status, reason, sender] of cases) {
      const { id, internet_message_id } = await send({ from: 'support@smtp.example', to: address });
      await service.untilStatus(id, 'sent');
      const raw = bounce(`${internet_message_id}`, address, status);
      expect((await deliverMime(service, raw, { sender })).status).to.equal(200);
      await service.untilStatus(id, 'undelivered');
      const { data } = (await service.request('GET', `/api/suppressions?address=${address}`)).body;
      expect(data[0]?.reason, status).to.equal(reason);
    }
    const bounces = await withSubject('Undelivered');
    expect(bounces.map(({ auto_reply, from }) => [auto_reply, from])).to.deep.equal(
      cases.map(() => [true, 'mailer-daemon@mx.example.com']),
    );
  });

  it('is no receipt if it may be forged, and suppresses no recipient of an email with several recipients', async () => {
    const from = 'support@smtp.example';
    const receiptsOf = async (id: number) =>
      (
        await query<{ bounce: string }>(
          service.databaseUrl,
          'select bounce from delivery_receipts where message_id = $1 and bounce is not null',
          [id],
        )
      ).map(({ bounce }) => bounce);
    const to = ['forger@example.com', 'victim@example.com'];
    const sole = { from, to: 'victim@example.com' };
    const answer = async ({ internet_message_id }: Message) =>
      void (await receive({ 'In-Reply-To': `<${internet_message_id}>`, Subject: 'An answer' }));
    const expire = async ({ id }: Message) =>
      void (await query(
        service.databaseUrl,
        `update deliveries set expires_at = now() - interval '11 days' where message_id = $1`,
        [id],
      ));
    type Before = (message: Message) => Promise<void>;
    const cases: [object, { sender?: string }, string | undefined, string[], Before?][] = [
      [sole, { sender: 'forger@example.com' }, undefined, []],
      [sole, { sender: '' }, 'multipart/mixed', []],
      [{ to: 'victim@example.com' }, { sender: '' }, undefined, []],
      [{ from, to }, { sender: '' }, undefined, ['soft']],
      [sole, {}, undefined, ['soft']],
      [sole, { sender: '' }, undefined, ['soft'], answer],
      [sole, { sender: '' }, undefined, [], expire],
    ];
    for (const [fields, envelope, type, expected, prepare] of cases) {
      const sent = await send(fields);
      const { id, internet_message_id } = sent;
      await service.untilStatus(id, 'from' in fields ? 'sent' : 'delivered');
      await prepare?.(sent);
      const raw = bounce(`${internet_message_id}`, 'victim@example.com', '5.1.1', type);
      expect((await deliverMime(service, raw, envelope)).status).to.equal(200);
      await untilProcessed();
      expect(await receiptsOf(id), JSON.stringify([fields, envelope, type])).to.deep.equal(expected);
    }
    const { data } = (await service.request('GET', '/api/suppressions?address=victim@example.com')).body;
    expect(data).to.deep.equal([]);
  });

  it('does not stop messages to its sender, whatever its text', async () => {
    await receive({ Subject: 'Stop' }, 'STOP');
    expect(
      (await service.request('GET', '/api/suppressions?address=ada@example.com')).body.data,
    ).to.deep.equal([]);
  });

  it('leaves nothing of a large webhook, and has its whole text', async () => {
    const text = 'é'.repeat(1_000_000);
    const headers = { Subject: 'Large', 'Content-Type': 'text/plain; charset=utf-8' };
    const { body } = await receive(headers, text);
    expect(body).to.equal(text);
    await until(async () => {
      const unused = `select from media_objects where id not in (select object_id from media where object_id is not null)`;
      return (await query(service.databaseUrl, unused)).length === 0;
    }, 'the body of the webhook is removed');
  });

  it('leaves no files if it cannot be recorded, and is recorded with them once it can', async () => {
    const raw = WHOLE.replace('Caf=C3=A9', 'Bug').replace('whole@', 'bug@').replace('Gr&uuml;', 'Bug&uuml;');
    const html = '<p>Bug&uuml;&szlig;e <img src="cid:logo@x"></p>';
    const pending = '/api/quarantine?account=mime&state=pending';
    const files = async () => (await query(service.databaseUrl, 'select from media')).length;
    const before = await files();
    const repair = await refuseBody(service.databaseUrl, html);
    try {
      expect((await deliverMime(service, raw)).status).to.equal(200);
      const { id } = await until(async () => {
        const [stored] = (await service.request('GET', pending)).body.data;
        return stored?.attempts === 1 && stored.next_attempt_at !== null && stored;
      }, 'the worker has tried');
      expect(await files()).to.equal(before);
      await repair();
      await query(service.databaseUrl, 'update webhook_inbox set next_attempt_at = now() where id = $1', [
        id,
      ]);
      expect(await withSubject('Bug')).to.have.length(1);
      expect(await files()).to.equal(before + 3);
    } finally {
      await repair().catch(() => undefined);
    }
  });

  it('keeps its files and the email as it arrived, however old they are', async () => {
    const files = () => query(service.databaseUrl, 'select id from media order by id');
    const before = await files();
    expect(before).not.to.deep.equal([]);
    await query(service.databaseUrl, `update media set created_at = now() - interval '30 days'`);
    const pool = new pg.Pool({ connectionString: service.databaseUrl });
    try {
      const collection = mediaCollection(pool, createPostgresStore(pool));
      while (await collection.step());
    } finally {
      await pool.end();
    }
    expect(await files()).to.deep.equal(before);
  });

  it('is kept in the quarantine if it cannot be read', async () => {
    const nested = Array.from({ length: 120 }, (_, n) =>
      [`Content-Type: multipart/mixed; boundary=n${n}`, '', `--n${n}`, ''].join('\r\n'),
    ).join('');
    expect(
      (await deliverMime(service, `From: ada@example.com\r\nSubject: Nested\r\n${nested}\r\nHello`)).status,
    ).to.equal(200);
    const [stored] = await until(async () => {
      const { data } = (await service.request('GET', '/api/quarantine?account=mime&state=quarantined')).body;
      return data.length > 0 && data;
    }, 'the email is quarantined');
    expect(stored).to.include({ reason: 'unreadable_email', attempts: 1 });
    expect(stored.detail).to.include('nesting depth');
  });
});
