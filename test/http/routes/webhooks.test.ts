import { expect } from 'chai';
import { email, inboundEmail, inboundMms, inboundSms, sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

describe('Inbound webhooks', () => {
  let service: Harness;
  beforeEach(async () => {
    service = await startHarness();
  });
  afterEach(() => service.stop());

  it('store the message of the provider', async () => {
    const text = await service.request('POST', '/api/webhooks/sms', inboundSms);
    expect(text.status).to.equal(200);
    expect(text.body).to.include({
      direction: 'inbound',
      type: 'sms',
      status: 'received',
      provider: 'text-co',
      provider_message_id: 'message-1',
    });
    const mail = await service.request('POST', '/api/webhooks/email', inboundEmail);
    expect(mail.body).to.include({
      type: 'email',
      provider: 'mail-co',
      provider_message_id: 'message-3',
      body: inboundEmail.body,
    });
    expect(mail.body.attachments).to.deep.equal(inboundEmail.attachments);
  });

  it('store a message once if it is delivered repeatedly and concurrently', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => service.request('POST', '/api/webhooks/sms', inboundSms)),
    );
    expect(answers.map(({ status }) => status)).to.deep.equal(Array(20).fill(200));
    expect(new Set(answers.map(({ body }) => body.id)).size).to.equal(1);
    expect(await query(service.databaseUrl, 'select from messages')).to.have.length(1);
    const [conversation] = (await service.request('GET', '/api/conversations')).body.data;
    expect(conversation.message_count).to.equal(1);
  });

  it('store each address once in each header, and each participant once', async () => {
    const { body } = await service.request('POST', '/api/webhooks/email', {
      ...inboundEmail,
      to: [inboundEmail.to, 'Someone@x.org', 'someone@x.org', inboundEmail.from],
      cc: ['someone@x.org', inboundEmail.from, 'other@x.org'],
    });
    expect(body).to.deep.include({
      to: [inboundEmail.to, 'someone@x.org', inboundEmail.from],
      cc: ['other@x.org'],
    });
    const [conversation] = (await service.request('GET', '/api/conversations')).body.data;
    expect(conversation.participants).to.have.length(4);
  });

  it('store unknown fields in the raw payload', async () => {
    const { body } = await service.request('POST', '/api/webhooks/sms', {
      ...inboundSms,
      carrier: { name: 'Acme' },
    });
    const [row] = await query(service.databaseUrl, 'select payload from messages where id = $1', [body.id]);
    expect(row?.payload).to.deep.equal({ ...inboundSms, carrier: { name: 'Acme' } });
  });

  it("have the channel of their path, even if an unknown field has the name of the other channel's field", async () => {
    const { status, body } = await service.request('POST', '/api/webhooks/sms', {
      ...inboundSms,
      xillio_id: 'not-ours',
    });
    expect(status).to.equal(200);
    expect(body).to.include({ type: 'sms', provider_message_id: inboundSms.messaging_provider_id });
  });

  it('store a message without text, type or time', async () => {
    const { from, to } = inboundSms;
    const { body } = await service.request('POST', '/api/webhooks/sms', {
      from,
      to,
      messaging_provider_id: 'bare',
      body: null,
      attachments: ['https://example.com/a.png'],
    });
    expect(body).to.include({ type: 'mms', body: '' });
  });

  describe('group messages into conversations:', () => {
    it('the eight requests of the exercise create two conversations', async () => {
      for (const [path, body] of [
        ['/api/messages/sms', sms],
        ['/api/messages/sms', { ...sms, type: 'mms', attachments: ['https://example.com/image.jpg'] }],
        ['/api/messages/email', email],
        ['/api/webhooks/sms', inboundSms],
        ['/api/webhooks/sms', inboundMms],
        ['/api/webhooks/email', inboundEmail],
      ] as const) {
        await service.request('POST', path, body);
      }
      const { data } = (await service.request('GET', '/api/conversations')).body;
      expect(
        data.map((conversation: { id: number; message_count: number }) => [
          conversation.id,
          conversation.message_count,
        ]),
      ).to.deep.equal([
        [2, 2],
        [1, 4],
      ]);
      const messages = (await service.request('GET', '/api/conversations/1/messages')).body.data;
      expect(
        messages.map(
          (message: { direction: string; type: string }) => `${message.direction} ${message.type}`,
        ),
      ).to.deep.equal(['outbound sms', 'outbound mms', 'inbound sms', 'inbound mms']);
    });

    it('all spellings of an address have one conversation', async () => {
      const ids = [];
      for (const from of [
        'user@usehatchapp.com',
        '[user@usehatchapp.com](mailto:user@usehatchapp.com)',
        'User <User@UseHatchApp.com>',
      ]) {
        ids.push(
          (await service.request('POST', '/api/messages/email', { ...email, from })).body.conversation_id,
        );
      }
      for (const from of ['+12016661234', '+1 (201) 666-1234', '(201) 666-1234', 'tel:+1-201-666-1234']) {
        ids.push((await service.request('POST', '/api/messages/sms', { ...sms, from })).body.conversation_id);
      }
      expect(ids).to.deep.equal([1, 1, 1, 2, 2, 2, 2]);
    });

    it('64 concurrent senders between 50 new pairs, in both directions, create exactly 50 conversations', async () => {
      const requests = Array.from({ length: 640 }, (_, n) => {
        const [a, b] = [`+1201666${1000 + (n % 50)}`, `+1804555${2000 + (n % 50)}`];
        return n % 2 === 0
          ? () => service.request('POST', '/api/messages/sms', { ...sms, from: a, to: b })
          : () =>
              service.request('POST', '/api/webhooks/sms', {
                ...inboundSms,
                from: b,
                to: a,
                messaging_provider_id: `in-${n}`,
              });
      });
      const statuses: number[] = [];
      const worker = async () => {
        for (let next = requests.pop(); next; next = requests.pop()) statuses.push((await next()).status);
      };
      await Promise.all(Array.from({ length: 64 }, worker));
      expect(statuses.filter((status) => status === 200 || status === 202)).to.have.length(640);
      const [row] = await query<{ conversations: number; messages: number; counted: number }>(
        service.databaseUrl,
        'select count(*) as conversations, sum(message_count)::bigint as counted, (select count(*) from messages) as messages from conversations',
      );
      expect(row).to.deep.equal({ conversations: 50, messages: 640, counted: 640 });
    });

    it('messages of a group have one conversation, for every sender of the group', async () => {
      const [a, b, c] = ['a@x.org', 'b@x.org', 'c@x.org'];
      const first = await service.request('POST', '/api/messages/email', {
        from: a,
        to: [b, c],
        body: 'one',
      });
      const second = await service.request('POST', '/api/webhooks/email', {
        ...inboundEmail,
        from: c,
        to: [b],
        cc: [a],
      });
      const other = await service.request('POST', '/api/messages/email', { from: a, to: b, body: 'two' });
      expect(second.body.conversation_id).to.equal(first.body.conversation_id);
      expect(other.body.conversation_id).not.to.equal(first.body.conversation_id);
    });
  });
});
