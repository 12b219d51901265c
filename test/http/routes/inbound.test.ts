import { expect } from 'chai';
import fc from 'fast-check';
import { inboundEmail, inboundSms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

describe('An inbound webhook', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  let count = 0;
  const receive = async (path: string, event: object) => {
    const answer = await service.request('POST', path, event);
    expect(answer.status, `${JSON.stringify(event).slice(0, 300)}: ${JSON.stringify(answer.body)}`).to.equal(
      200,
    );
    return answer.body;
  };
  const receiveEmail = (fields: object) =>
    receive('/api/webhooks/email', { ...inboundEmail, xillio_id: `email-${++count}`, ...fields });
  const receiveSms = (fields: object) =>
    receive('/api/webhooks/sms', { ...inboundSms, messaging_provider_id: `sms-${++count}`, ...fields });
  const participantsOf = async ({ conversation_id }: { conversation_id: number }) =>
    (await service.request('GET', `/api/conversations/${conversation_id}`)).body.participants.map(
      ({ address, address_type }: { address: string; address_type: string }) => [address, address_type],
    );
  const payloadOf = async ({ id }: { id: number }) =>
    (await query(service.databaseUrl, 'select payload from messages where id = $1', [id]))[0]
      ?.payload as object;

  describe('of an email', () => {
    it('without a readable recipient is stored in the conversation of its sender alone', async () => {
      const conversations = new Set<number>();
      for (const to of [
        'undisclosed-recipients:;',
        'Undisclosed recipients:;',
        '"Undisclosed recipients" <>',
        'undisclosed-recipients',
        '<>',
        '',
        ' ',
        [],
        ['<>', null, ''],
        null,
        undefined,
        'nobody',
        '+12016661234',
      ]) {
        const message = await receiveEmail({ from: 'lonely@x.example', to });
        expect(message.to, JSON.stringify(to)).to.deep.equal([]);
        expect(message).not.to.have.property('cc');
        conversations.add(message.conversation_id);
      }
      expect(conversations.size).to.equal(1);
      const [conversation_id] = conversations;
      expect(await participantsOf({ conversation_id: conversation_id as number })).to.deep.equal([
        ['lonely@x.example', 'email'],
      ]);
      const read = await service.request('GET', `/api/conversations/${conversation_id}/messages`);
      expect(read.body.data).to.have.length(13);
    });

    it('has every readable recipient, and the other recipients in the payload', async () => {
      const fields = {
        from: 'Ada <ada@x.example>',
        to: [
          'shop@x.example',
          'nobody',
          null,
          '<>',
          'Bob <BOB@x.example>, c@x.example',
          'Team: d@x.example;',
        ],
        cc: 'undisclosed-recipients:;, e@x.example, <f@x.example> <g@x.example>, shop@x.example',
      };
      const message = await receiveEmail(fields);
      expect(message.to).to.deep.equal(['shop@x.example', 'bob@x.example', 'c@x.example', 'd@x.example']);
      expect(message.cc).to.deep.equal(['e@x.example', 'f@x.example', 'g@x.example']);
      expect(await participantsOf(message)).to.have.length(8);
      expect(await payloadOf(message)).to.deep.include(fields);
    });

    it('has the address of the sender from every form of the header', async () => {
      const senders: [unknown, string][] = [
        ['ada@example.com (Ada Lovelace)', 'ada@example.com'],
        ['(Ada) ada@example.com', 'ada@example.com'],
        ['Ada (PhD) <ada@example.com>', 'ada@example.com'],
        ['Lovelace, Ada <ada@example.com>', 'ada@example.com'],
        ['Ada <ada@example.com>, Bob <bob@example.com>', 'ada@example.com'],
        [['nobody', 'Ada <ada@example.com>', 'bob@example.com'], 'ada@example.com'],
        ['<@relay.example:ada@example.com>', 'ada@example.com'],
        ['=?utf-8?q?Ada=2C?= <ada@example.com>', 'ada@example.com'],
        ['Ada\r\n\t<ada@example.com>', 'ada@example.com'],
        ['a\u200bda@example.com\u202c', 'ada@example.com'],
        [`${'l'.repeat(70)}@example.com`, `${'l'.repeat(70)}@example.com`],
        [`Bounce <${'l'.repeat(200)}@example.com>`, `${'l'.repeat(200)}@example.com`],
        ['"abc..def"@docomo.example', 'abc..def@docomo.example'],
        ['Ada <ada@bücher.example>', 'ada@xn--bcher-kva.example'],
        ["'ada@example.com'", 'ada@example.com'],
        ["Ada <'ada@example.com'>", 'ada@example.com'],
        ["'ada@example.com', 'bob@example.com'", 'ada@example.com'],
        ["o'neill@example.com", "o'neill@example.com"],
        ['ada@example.com>', 'ada@example.com'],
        ['<ada@example.com', 'ada@example.com'],
        ['Ada <ada@example.com', 'ada@example.com'],
      ];
      for (const [from, address] of senders) {
        const message = await receiveEmail({ from });
        expect(message.from, JSON.stringify(from)).to.equal(address);
        expect(await participantsOf(message)).to.deep.include([address, 'email']);
      }
    });

    it('without a return path is from mailer-daemon', async () => {
      const conversations = new Set<number>();
      for (const from of [
        '<>',
        '',
        null,
        [],
        'MAILER-DAEMON',
        '<MAILER-DAEMON>',
        'MAILER-DAEMON (Mail Delivery System)',
        'Mail Delivery System <MAILER-DAEMON>',
        '"Mail Delivery System" <>',
      ]) {
        const message = await receiveEmail({ from });
        expect(message.from, JSON.stringify(from)).to.equal('mailer-daemon');
        conversations.add(message.conversation_id);
      }
      expect(conversations.size).to.equal(1);
      const [conversation_id] = conversations;
      expect(await participantsOf({ conversation_id: conversation_id as number })).to.deep.include([
        'mailer-daemon',
        'other',
      ]);
      const { data } = (await service.request('GET', '/api/participants?address=mailer-daemon')).body;
      expect(data).to.have.length(1);
    });

    it('without a sender address has the text of the header as sender, to which nothing can be sent', async () => {
      const senders: [string, string][] = [
        ['root', 'root'],
        ['"Cron Daemon" <Root>', 'root'],
        ['ada@[192.0.2.1]', 'ada@[192.0.2.1]'],
        ['"john doe"@x.example', '"john doe"@x.example'],
        ['x'.repeat(5_000), 'x'.repeat(320)],
        ['\u2800Root\u2800', 'root'],
        ['=?UTF-8?B?QWRh?= Root', '=?UTF-8?B?QWRh?= root'],
        ['[ada@x.example](mailto:eve@y.example)', '[ada@x.example]'],
      ];
      for (const [from, address] of senders) {
        const message = await receiveEmail({ from });
        expect(message.from).to.equal(address);
        expect(await participantsOf(message)).to.deep.include([address, 'other']);
        const found = await service.request(
          'GET',
          `/api/participants?address=${encodeURIComponent(address)}`,
        );
        expect(found.body.data, address).to.have.length(1);
        const reply = { from: inboundEmail.to, to: address, body: 'Hello' };
        expect((await service.request('POST', '/api/messages/email', reply)).status).to.equal(422);
      }
    });

    it('has a subject in one line of up to 10,000 characters', async () => {
      const subjects: [unknown, string | undefined][] = [
        ['s'.repeat(999), 's'.repeat(999)],
        ['😀'.repeat(10_001), '😀'.repeat(10_000)],
        ['Hello\r\n world', 'Hello  world'],
        ['Hello\tworld\x07\u2028again\n', 'Hello world again'],
        ['', ''],
        [null, undefined],
        [undefined, undefined],
      ];
      for (const [subject, expected] of subjects) {
        const message = await receiveEmail({ subject });
        expect(message.subject).to.equal(expected);
        if (typeof subject === 'string') expect(await payloadOf(message)).to.include({ subject });
      }
    });

    it('has up to 300 recipients', async () => {
      const addresses = (length: number) => Array.from({ length }, (_, index) => `r${index}@x.example`);
      expect((await receiveEmail({ to: addresses(101) })).to).to.have.length(101);
      expect((await receiveEmail({ to: addresses(101).join(', ') })).to).to.have.length(101);
      const all = addresses(2_000);
      const message = await receiveEmail({ to: all.slice(0, 200), cc: all.slice(200) });
      expect([...message.to, ...message.cc]).to.deep.equal(all.slice(0, 300));
      expect(await participantsOf(message)).to.have.length(301);
      expect(await payloadOf(message)).to.deep.include({ cc: all.slice(200) });
    });

    it('with megabytes in one header field is stored', async () => {
      for (const unit of [
        '<',
        '"',
        '(',
        'a@b,',
        'a@b ',
        '<a@b>',
        ' ',
        '\\',
        ':',
        'g:a@b;',
        '\u200e',
        '> ',
        ',',
      ]) {
        const header = unit.repeat(Math.floor(1_000_000 / Buffer.byteLength(unit)));
        const message = await receiveEmail({ from: header, to: header, cc: [header], subject: header });
        expect(message.from.length, unit).to.be.at.most(320);
      }
    });
  });

  describe('of a text', () => {
    it('has the sender as the carrier sent it', async () => {
      const senders = [
        ...[
          '72345',
          'ACME Shop',
          'Booking.com',
          "O'Neill",
          'Café',
          'Größe',
          'Yahoo!',
          'ÅÄÖ €',
          '24-7',
          'me@shop',
        ],
        ...[
          '7234567',
          '72345678',
          '*123',
          '+12345',
          '#123#',
          '12',
          'Привет',
          'A sender of more than eleven characters',
        ],
      ];
      for (const from of senders) {
        const message = await receiveSms({ from });
        expect(message.from).to.equal(from);
        expect((await participantsOf(message)).map(([address]: [string]) => address)).to.include(from);
        const found = await service.request('GET', `/api/participants?address=${encodeURIComponent(from)}`);
        expect(found.body.data, from).to.have.length(1);
      }
    });

    it('with a withheld number has the sender unknown', async () => {
      for (const from of [null, '', ' ', '\u0000', '\u2800', ['\u200b'], [], [null]]) {
        const message = await receiveSms({ from });
        expect(message.from, JSON.stringify(from)).to.equal('unknown');
        expect(await participantsOf(message)).to.deep.include(['unknown', 'other']);
      }
    });

    it('has every readable recipient', async () => {
      const message = await receiveSms({
        to: [inboundSms.to, '+1', null, '+15215512345678', '+5215512345678'],
      });
      expect(message.to).to.deep.equal([inboundSms.to, '+525512345678']);
      for (const to of [null, [], '', '+1', undefined])
        expect((await receiveSms({ to })).to, JSON.stringify(to)).to.deep.equal([]);
    });

    it('with an unknown type is an mms if it has attachments or several recipients, and an sms otherwise', async () => {
      const types: [unknown, object, string][] = [
        [null, {}, 'sms'],
        [undefined, {}, 'sms'],
        ['fax', {}, 'sms'],
        ['MMS', {}, 'mms'],
        [null, { attachments: ['https://x.example/a'] }, 'mms'],
        ['RCS', { to: [inboundSms.to, '+18045550000'] }, 'mms'],
      ];
      for (const [type, more, expected] of types)
        expect((await receiveSms({ type, ...more })).type, String(type)).to.equal(expected);
    });
  });

  it('without a readable time has the time of its arrival', async () => {
    const before = new Date().toISOString();
    for (const timestamp of [
      null,
      undefined,
      '',
      'yesterday',
      '2024-02-31T00:00:00Z',
      '0000-01-01T00:00:00Z',
      '2024-11-01',
      0,
      -1_730_469_600,
      4_102_444_800,
      946_684_799_999,
      1e300,
      '12345678',
      true,
      {},
      ['2024-11-01T14:00:00Z'],
    ])
      for (const message of [await receiveEmail({ timestamp }), await receiveSms({ timestamp })])
        expect(message.timestamp >= before, String(timestamp)).to.equal(true);
    for (const timestamp of [
      '2024-11-01T07:00:00-07:00',
      'Fri, 01 Nov 2024 14:00:00 +0000',
      '1 Nov 2024 14:00 GMT',
      1_730_469_600,
      1_730_469_600_000,
      1_730_469_600.000_4,
      '1730469600',
      ' 1730469600000 ',
    ])
      expect((await receiveEmail({ timestamp })).timestamp).to.equal('2024-11-01T14:00:00.000Z');
  });

  it('has the attachments with http and https URLs, normalised as in browsers', async () => {
    const attachments = [
      'https://example.com/a b.png',
      'https://example.com/é/[1]{2}"<3>.png?q=ü#ö',
      'http://bücher.example/d.pdf',
      ' https://example.com/c\n',
      'ftp://example.com/x',
      'javascript:alert(1)',
      'data:text/plain,x',
      '//example.com/x',
      'https://',
      '',
      null,
      'https://example.com/%20kept?x=1&y=2',
    ];
    for (const message of [await receiveEmail({ attachments }), await receiveSms({ attachments })]) {
      expect(message.attachments).to.deep.equal([
        'https://example.com/a%20b.png',
        'https://example.com/%C3%A9/[1]%7B2%7D%22%3C3%3E.png?q=%C3%BC#%C3%B6',
        'http://xn--bcher-kva.example/d.pdf',
        'https://example.com/c',
        'https://example.com/%20kept?x=1&y=2',
      ]);
      expect(await payloadOf(message)).to.deep.include({ attachments });
    }
    const many = Array.from({ length: 50 }, (_, index) => `https://example.com/${index}`);
    expect((await receiveSms({ attachments: many })).attachments).to.deep.equal(many);
    expect(
      (await receiveSms({ attachments: [`https://example.com/${'x'.repeat(5_000)}`] })).attachments,
    ).to.have.length(1);
    expect((await receiveSms({ attachments: null, body: null })).attachments).to.deep.equal([]);
  });

  it('has text without NUL, and with U+FFFD instead of a lone surrogate', async () => {
    const fields = { body: 'a\0b\ud83dc', subject: 'x\0\udc00', extra: { 'k\0': ['\0', '\ud800', '😀'] } };
    const message = await receiveEmail(fields);
    expect(message).to.include({ body: 'ab\ufffdc', subject: 'x\ufffd' });
    expect(await payloadOf(message)).to.deep.include({
      body: 'ab\ufffdc',
      subject: 'x\ufffd',
      extra: { k: ['', '\ufffd', '😀'] },
    });
    expect((await receiveSms({ body: '\0', from: '+1804555\0' + '1234' })).from).to.equal('+18045551234');
  });

  it('requires only an id', async () => {
    expect(await receive('/api/webhooks/sms', { messaging_provider_id: 'bare' })).to.deep.include({
      ...{ type: 'sms', from: 'unknown', to: [], body: '', attachments: [] },
    });
    expect(await receive('/api/webhooks/email', { xillio_id: 'bare' })).to.deep.include({
      ...{ type: 'email', from: 'mailer-daemon', to: [], body: '', attachments: [] },
    });
    for (const path of ['/api/webhooks/sms', '/api/webhooks/email']) {
      const { status, body } = await service.request('POST', path, { from: 'a@x.example' });
      expect([status, body.errors?.length], path).to.deep.equal([422, 1]);
    }
  });

  it('may have an integer as its id, and no other number', async () => {
    for (const [path, id] of [
      ['/api/webhooks/sms', 'messaging_provider_id'],
      ['/api/webhooks/email', 'xillio_id'],
    ] as const) {
      for (const value of [0, 123_456, Number.MAX_SAFE_INTEGER]) {
        const message = await receive(path, { [id]: value });
        expect(message.provider_message_id).to.equal(`${value}`);
        expect((await receive(path, { [id]: `${value}` })).id).to.equal(message.id);
      }
      for (const text of ['-1', '1.5', '9007199254740993', '1e400', 'true', 'null', '[1]', '{}', '""']) {
        const { status, body } = await service.request('POST', path, `{"${id}": ${text}}`);
        expect(status, text).to.equal(422);
        expect(body.errors.map((error: { path: string }) => error.path)).to.deep.equal([`/body/${id}`]);
      }
    }
  });

  it('has every readable part if another part has the wrong type', async () => {
    const cases: [fields: object, expected: object][] = [
      [{ to: ['b@x.example', { email: 'c@x.example' }] }, { to: ['b@x.example'] }],
      [{ to: ['b@x.example', 5, [], true], cc: [[]] }, { to: ['b@x.example'] }],
      [{ to: { email: 'c@x.example' } }, { to: [] }],
      [{ from: { email: 'a@x.example' } }, { from: 'mailer-daemon' }],
      [{ from: [{}, 'a@x.example'] }, { from: 'a@x.example' }],
      [{ attachments: 'https://x.example/a b.pdf' }, { attachments: ['https://x.example/a%20b.pdf'] }],
      [{ attachments: '' }, { attachments: [] }],
      [{ attachments: { url: 'https://x.example/a.pdf' } }, { attachments: [] }],
      [
        { attachments: [{ url: 'https://x.example/a' }, [], 5, 'https://x.example/b'] },
        { attachments: ['https://x.example/b'] },
      ],
      [{ body: 5 }, { body: '5' }],
      [{ body: { text: 'Hello' } }, { body: '' }],
      [{ body: ['Hello'] }, { body: '' }],
      [{ subject: 7 }, { subject: '7' }],
    ];
    for (const [fields, expected] of cases) {
      const message = await receiveEmail(fields);
      expect(message, JSON.stringify(fields)).to.deep.include(expected);
      expect(await payloadOf(message)).to.deep.include(fields);
    }
    const text = { from: 18_045_551_234, to: [12_016_661_234, null, {}], type: 5, attachments: 'x' };
    const message = await receiveSms(text);
    expect(message).to.deep.include({ from: '+18045551234', to: ['+12016661234'], type: 'mms' });
    expect(await payloadOf(message)).to.deep.include(text);
  });

  it('is stored with a value of any type in any field except its id', async () => {
    const fields = ['from', 'to', 'cc', 'type', 'subject', 'body', 'attachments', 'timestamp', 'extra'];
    const event = fc.record(Object.fromEntries(fields.map((name) => [name, fc.jsonValue()])), {
      requiredKeys: [],
    });
    const property = fc.asyncProperty(event, async (given) => {
      for (const message of [await receiveEmail(given), await receiveSms(given)])
        expect(message.status).to.equal('received');
    });
    await fc.assert(property, { numRuns: 40 });
  });

  it('is stored with any text in its fields', async () => {
    const text = fc.option(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.string(),
        fc.emailAddress(),
        fc.constantFrom(
          '<',
          '>',
          ':;',
          '@',
          'a@b',
          '"',
          '()',
          '\0',
          '\ud800',
          '\r\n',
          '::::',
          'Undisclosed:;',
        ),
      ),
      { nil: null },
    );
    const header = fc.oneof(text, fc.array(text, { maxLength: 5 }));
    const event = fc.record(
      {
        from: header,
        to: header,
        cc: header,
        type: text,
        subject: text,
        body: text,
        timestamp: text,
        attachments: fc.option(fc.array(text, { maxLength: 12 }), { nil: null }),
      },
      { requiredKeys: ['from'] },
    );
    const property = fc.asyncProperty(event, async (fields) => {
      for (const id of ['messaging_provider_id', 'xillio_id']) {
        const path = `/api/webhooks/${id === 'xillio_id' ? 'email' : 'sms'}`;
        const message = await receive(path, { ...fields, [id]: `any-${++count}` });
        const addresses = new Set([message.from, ...message.to, ...(message.cc ?? [])]);
        expect(await participantsOf(message)).to.have.length(addresses.size);
      }
    });
    await fc.assert(property, { numRuns: 40 });
  });
});
