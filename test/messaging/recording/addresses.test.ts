import { expect } from 'chai';
import { email, inboundEmail, inboundSms, sms } from '../../support/bodies.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

const NOT_AN_ADDRESS = 'must be a phone number (E.164) or an email address';

describe('Addresses in requests', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  const send = async (body: object) => {
    const answer = await service.request('POST', '/api/messages/send', body);
    expect(answer.status, `${JSON.stringify(body)}: ${JSON.stringify(answer.body)}`).to.equal(202);
    return answer.body;
  };
  const refusal = async (path: string, body: object) => {
    const answer = await service.request('POST', path, body);
    expect(answer.status, JSON.stringify(body)).to.equal(422);
    return answer.body.errors as { path: string; message: string }[];
  };
  const participantsOf = async (conversationId: number) =>
    (await service.request('GET', `/api/conversations/${conversationId}`)).body.participants.map(
      ({ address }: { address: string }) => address,
    );

  it('are refused if they are neither a phone number nor an email address', async () => {
    const { type: _type, ...untyped } = sms;
    for (const path of ['/api/messages/send', '/api/messages/sms', '/api/messages/email'])
      for (const to of ['bob', 'ACME Shop', '12', '!!!', 'tel:', 'x'.repeat(512), 'Booking.com', '1234567'])
        expect(await refusal(path, { ...untyped, to }), to).to.deep.include({
          path: '/body/to',
          message: NOT_AN_ADDRESS,
        });
    expect(await refusal('/api/messages/sms', { ...sms, from: 'Booking.com' })).to.deep.equal([
      { path: '/body/from', message: NOT_AN_ADDRESS },
    ]);
  });

  it('of the other channel are refused with an error that names the required address type', async () => {
    expect(await refusal('/api/messages/sms', { ...sms, to: 'a@b.c' })).to.deep.equal([
      { path: '/body/to', message: 'must be a phone number (E.164)' },
    ]);
    expect(await refusal('/api/messages/email', { ...email, to: [email.to, sms.to] })).to.deep.equal([
      { path: '/body/to/1', message: 'must be an email address' },
    ]);
  });

  it('are refused at each field where a value is not exactly one email address', async () => {
    const values = [
      '<a@x.example> <b@y.example>',
      'a@x.example, b@y.example',
      'a@x.example; b@y.example',
      'a@x.example <b@y.example>',
      'Friends: a@x.example;',
      'a@x.example (Ada)',
      '<@relay.example:a@x.example>',
      'Ada <a@x.example> trailing',
      'Ada <a@x.example',
      `${'l'.repeat(65)}@x.example`,
    ];
    const message = 'must be exactly one email address, such as ada@example.com or Ada <ada@example.com>';
    for (const value of values) {
      const good = { ...email, cc: ['c@x.example'] };
      const bad = { from: value, to: [email.to, value], cc: [value], bcc: [value], reply_to: value };
      const errors = await refusal('/api/messages/email', { ...good, ...bad });
      expect(errors, value).to.have.deep.members([
        ...['/body/from', '/body/to/1', '/body/cc/0', '/body/bcc/0', '/body/reply_to'].map((path) => ({
          path,
          message,
        })),
      ]);
    }
  });

  it('are refused with control, zero-width or bidi characters inside', async () => {
    for (const mark of ['\r\n', '\n', '\t', '\x07', '\x7f', '\x85', '\u2028', '\u200b', '\u202e', '\ufeff'])
      for (const to of [`a${mark}b@x.org`, `a@x${mark}y.org`, `Ada${mark}<`]) {
        const [error] = await refusal('/api/messages/email', { ...email, to });
        expect(error?.path, JSON.stringify(to)).to.equal('/body/to');
      }
    for (const mark of ['\r\n', '\n', '\t', '\x07', '\x7f', '\x85', '\u2028'])
      for (const to of [`Ada${mark}Bcc: b@y.org <a@x.org>`, `"Ada${mark}" <a@x.org>`])
        expect(await refusal('/api/messages/email', { ...email, to }), JSON.stringify(to)).to.have.length(1);
  });

  it('are stored without pasted marks around them, as the same participant', async () => {
    const ids = [];
    for (const to of [
      '+18045550100',
      '\u202a+1 804\u2011555\u20110100\u202c',
      '\ufeff804\u202f555\u00a00100\t',
      '＋１８０４５５５０１００',
      '(+1) 804-555-0100',
      'tel:804-555-0100;phone-context=+1',
    ]) {
      const message = await send({ ...sms, to });
      expect(message.to).to.deep.equal(['+18045550100']);
      ids.push(message.conversation_id);
    }
    for (const to of ['ada@x.example', '\u200eada@x.example\u00a0', 'Ada <\u202aada@x.example\u202c>'])
      expect((await send({ ...email, to })).to, to).to.deep.equal(['ada@x.example']);
    expect(new Set(ids).size).to.equal(1);
  });

  it('with an extension are refused', async () => {
    for (const to of ['tel:+18045550100;ext=12', '+1 804 555 0100 x123', '+1 804 555 0100 ext. 5'])
      expect(await refusal('/api/messages/sms', { ...sms, to }), to).to.deep.equal([
        { path: '/body/to', message: NOT_AN_ADDRESS },
      ]);
  });

  it('of Mexico are the same participant with and without the 1 after +52', async () => {
    const first = await send({ ...sms, to: '+52 1 55 1234 5678' });
    const second = await send({ ...sms, to: '+52 55 1234 5678' });
    const reply = await service.request('POST', '/api/webhooks/sms', {
      ...inboundSms,
      from: '+5215512345678',
      messaging_provider_id: 'mexico',
    });
    expect(reply.body.from).to.equal('+525512345678');
    expect(new Set([first, second, reply.body].map(({ conversation_id }) => conversation_id)).size).to.equal(
      1,
    );
    expect(await participantsOf(first.conversation_id)).to.have.members([sms.from, '+525512345678']);
    const { data } = (await service.request('GET', '/api/participants?address=%2B5215512345678')).body;
    expect(data).to.have.length(1);
  });

  it('are the same participant in every spelling, and messages show the normalized address', async () => {
    const spellings = [
      'José@bücher.example',
      'jose\u0301@bu\u0308cher.example',
      'JOSÉ@XN--BCHER-KVA.EXAMPLE',
      'José <josé@bücher.example.>',
      'josé@bücher。example',
      '[josé@bücher.example](mailto:josé@bücher.example)',
    ];
    const address = 'josé@xn--bcher-kva.example';
    const conversations = new Set<number>();
    for (const [index, spelling] of spellings.entries()) {
      const sent = await send({ ...email, from: spelling, reply_to: spelling });
      expect([sent.from, sent.reply_to], spelling).to.deep.equal([address, address]);
      const received = await service.request('POST', '/api/webhooks/email', {
        ...inboundEmail,
        from: email.to,
        to: spelling,
        xillio_id: `spelling-${index}`,
      });
      expect(received.body.to, spelling).to.deep.equal([address]);
      for (const { conversation_id } of [sent, received.body]) conversations.add(conversation_id);
    }
    expect(conversations.size).to.equal(1);
    const [id] = conversations;
    expect(await participantsOf(id as number)).to.have.members([address, email.to]);
    const query = encodeURIComponent('José@Bücher.example');
    expect((await service.request('GET', `/api/participants?address=${query}`)).body.data).to.have.length(1);
    const found = (await service.request('GET', `/api/messages?participant=${query}`)).body.data;
    expect(found).to.have.length(2 * spellings.length);
  });

  it('are sent to the provider as the message shows them', async () => {
    const sent = await send({ ...email, from: 'Shop <Shop@Bücher.example>', to: 'Ada@X.example' });
    await service.untilStatus(sent.id, 'delivered');
    const requests = (await service.accepted()).map(
      ({ request }) => request as { from: string; to: unknown },
    );
    const given = requests.filter(({ from }) => from === sent.from);
    expect(given.map(({ to }) => [to].flat())).to.deep.equal([['ada@x.example']]);
    expect(sent.from).to.equal('shop@xn--bcher-kva.example');
  });

  it('find participants by any written form in a query, and other text in the query is refused', async () => {
    await send({ ...email, to: 'query@x.example' });
    const listed = async (address: string) =>
      service.request('GET', `/api/participants?address=${encodeURIComponent(address)}`);
    expect((await listed('Ada <Query@X.example.>')).body.data).to.have.length(1);
    expect((await listed('nobody@x.example')).body.data).to.have.length(0);
    for (const address of ['bob!', 'a@x.example, b@y.example', '+1', '123456789'])
      expect((await listed(address)).body.errors, address).to.deep.equal([
        { path: '/query/address', message: NOT_AN_ADDRESS },
      ]);
  });
});

describe('The text of a header field', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  const CONTROLS = [
    '\r\nBcc: x@y.org',
    '\r',
    '\n',
    '\t',
    '\x01',
    '\x1b',
    '\x7f',
    '\x85',
    '\x9f',
    '\u2028',
    '\u2029',
  ];

  it('is refused with control characters in a subject', async () => {
    for (const path of ['/api/messages/send', '/api/messages/email'])
      for (const control of CONTROLS) {
        const { status, body } = await service.request('POST', path, {
          ...email,
          subject: `Hello${control}`,
        });
        expect(status, JSON.stringify(control)).to.equal(422);
        expect(body.errors.map(({ path }: { path: string }) => path)).to.deep.equal(['/body/subject']);
      }
  });

  it('is accepted with any other characters in a subject', async () => {
    const subject = 'Héllo \u200f\u05e9\u05dc\u05d5\u05dd\u200e 👩‍👩‍👧 €\u00a0';
    const { status, body } = await service.request('POST', '/api/messages/email', { ...email, subject });
    expect([status, body.subject]).to.deep.equal([202, subject]);
  });

  it('with control characters is refused as the name of a participant', async () => {
    await service.request('POST', '/api/messages/sms', sms);
    for (const control of CONTROLS) {
      const { status, body } = await service.request('PATCH', '/api/participants/1', { name: `A${control}` });
      expect(status, JSON.stringify(control)).to.equal(422);
      expect(body.errors[0].path).to.equal('/body/name');
    }
  });

  it('with megabytes of text is refused as too long', async () => {
    for (const subject of ['\u2028', 'a', ' ', '\t'].map((unit) => unit.repeat(3_000_000))) {
      const { status } = await service.request('POST', '/api/messages/email', { ...email, subject });
      expect(status).to.equal(422);
    }
  });
});
