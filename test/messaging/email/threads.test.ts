import { expect } from 'chai';
import type { Message } from '../../../sdk/src/index.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/server.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { type ReceivedMail, readBack } from '../../support/mail.ts';
import { deliverMime, mail, mimeEnvironment } from '../../support/mime.ts';
import { controlOf, PASSWORD } from '../../support/smtp.ts';
import { until } from '../../support/until.ts';

const [SHOP, ADA] = ['support@shop.example', 'ada@example.com'];

describe('The thread of a conversation of emails', () => {
  let service: Harness;
  let simulator: Simulator;
  let control: ReturnType<typeof controlOf>;
  let received = 0;
  before(async () => {
    simulator = await startSimulator({ apiKey: PASSWORD, smtp: {} });
    control = controlOf(simulator);
    service = await startHarness({
      ...mimeEnvironment,
      EMAIL_PROVIDERS: 'smtp',
      SMTP_URL: `smtp://shop:${PASSWORD}@127.0.0.1:${simulator.smtpPort}`,
      SMTP_REQUIRE_TLS: 'false',
      SMTP_SENDERS: 'shop.example',
    });
  });
  after(async () => {
    await service.stop();
    await simulator.stop();
  });
  beforeEach(() => control.reset());

  /** Sends an email, and returns it as the mail server received it. */
  const send = async (changes: object): Promise<{ message: Message; wire: ReceivedMail }> => {
    const before = (await control.received()).length;
    const { status, body } = await service.request('POST', '/api/messages/email', {
      ...{ from: SHOP, to: ADA, text: 'Hello' },
      ...changes,
    });
    expect(status, JSON.stringify(body)).to.equal(202);
    const raw = await until(async () => (await control.received())[before]?.raw, 'the email arrived');
    const message = await service.untilStatus(body.id, 'sent');
    return { message, wire: await readBack(Buffer.from(raw, 'latin1')) };
  };
  /** Delivers an email of Ada, as her mail program answers `answered`. */
  const receive = async (
    answered: ReceivedMail | null,
    headers: Record<string, string> = {},
  ): Promise<{ message: Message; wire: ReceivedMail }> => {
    const id = `ada-${++received}@mail.example.com`;
    const chain = answered ? [...answered.references, answered.messageId] : [];
    const raw = mail({
      ...{
        From: `Ada <${ADA}>`,
        To: SHOP,
        Subject: answered ? answered.subject.replace(/^(?:Re: )?/, 'Re: ') : 'A question',
      },
      'Message-ID': `<${id}>`,
      ...(answered && {
        'In-Reply-To': `<${answered.messageId}>`,
        References: chain.map((each) => `<${each}>`).join(' '),
      }),
      ...headers,
    });
    expect((await deliverMime(service, raw, { recipients: [SHOP] })).status).to.equal(200);
    const message = await until(async () => {
      const { data } = (await service.request('GET', '/api/messages?direction=inbound&limit=100')).body;
      return data.find((each: Message) => each.internet_message_id === id) as Message | undefined;
    }, 'the email was recorded');
    return { message, wire: await readBack(Buffer.from(raw)) };
  };

  it('is one thread by the headers of five emails back and forth', async () => {
    const first = await send({ subject: 'Order 7' });
    const second = await receive(first.wire);
    const third = await send({ reply_to_message_id: second.message.id });
    const fourth = await receive(third.wire);
    const fifth = await send({ reply_to_message_id: fourth.message.id });
    const emails = [first, second, third, fourth, fifth];

    expect(new Set(emails.map(({ message }) => message.conversation_id)).size).to.equal(1);
    expect(emails.map(({ message }) => message.in_reply_to)).to.deep.equal([
      undefined,
      ...emails.slice(0, -1).map(({ message }) => message.id),
    ]);
    const ids = emails.map(({ wire }) => wire.messageId);
    expect(new Set(ids).size).to.equal(5);
    for (const [index, { wire }] of emails.entries()) {
      expect(wire.inReplyTo).to.equal(ids[index - 1] ?? null);
      expect(wire.references).to.deep.equal(ids.slice(0, index));
    }
    expect(fifth.wire.subject).to.equal('Re: Order 7');
    expect(third.message.subject).to.equal('Re: Order 7');
  });

  it('has the Message-ID on the wire of an email whose provider replaced it', async () => {
    const { message } = await send({ subject: 'Order 8' });
    const wire = 'replaced-1@eu-west-1.amazonses.com';
    await query(
      service.databaseUrl,
      `update emails set wire_message_id = '${wire}' where message_id = ${message.id}`,
    );
    const reply = await send({ reply_to_message_id: message.id });
    expect(reply.wire.inReplyTo).to.equal(wire);
    expect(reply.wire.references).to.deep.equal([wire]);
    const { body } = await service.request('GET', `/api/messages/${message.id}`);
    expect(body.internet_message_id).to.equal(wire);
  });

  it('continues an email with a long chain by its first and its last emails', async () => {
    const chain = Array.from({ length: 80 }, (_, index) => `<m${index}@example.com>`);
    const { message, wire } = await receive(null, { References: chain.join(' ') });
    const { references } = (await send({ reply_to_message_id: message.id })).wire;
    expect(references).to.have.length(50);
    expect(references[0]).to.equal('m0@example.com');
    expect(references.slice(-2)).to.deep.equal(['m79@example.com', wire.messageId]);
  });

  it('continues only the ids that the answered email names itself', async () => {
    const first = await send({ subject: 'Order 9' });
    const second = await receive(first.wire);
    // Somebody names an email of another conversation.
    const named = `<${second.wire.messageId}>`;
    const third = await receive(null, { From: 'mallory@example.org', 'In-Reply-To': named });
    expect(third.message.in_reply_to).to.equal(second.message.id);
    const { wire } = await send({ to: 'mallory@example.org', reply_to_message_id: third.message.id });
    expect(wire.references).to.deep.equal([second.wire.messageId, third.wire.messageId]);

    const several = await receive(null, { 'In-Reply-To': `<a@example.org> ${named}` });
    const answer = await send({ reply_to_message_id: several.message.id });
    expect(answer.wire.references).to.deep.equal([several.wire.messageId]);
  });

  it('begins anew with an email without References, and with one that answers an email without a Message-ID', async () => {
    const alone = await receive(null);
    expect((await send({ reply_to_message_id: alone.message.id })).wire.references).to.deep.equal([
      alone.wire.messageId,
    ]);
    await query(
      service.databaseUrl,
      `update emails set internet_message_id = null where message_id = ${alone.message.id}`,
    );
    const { wire } = await send({ reply_to_message_id: alone.message.id });
    expect([wire.inReplyTo, wire.references]).to.deep.equal([null, []]);
  });
});
