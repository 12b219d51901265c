import { expect } from 'chai';
import { type Harness, startHarness } from '../../support/harness.ts';
import { expectSame, referenceEmail } from '../../support/mail.ts';
import { freePort } from '../../support/process.ts';
import { receivedByStandard, type StandardEmail } from '../../support/standard.ts';

const OURS = 'shop@example.com';
const ANSWERED = 'question@mail.example.net';

describe('An email at a provider with the standard API', () => {
  let harness: Harness;
  before(async () => {
    const port = await freePort();
    harness = await startHarness({ PORT: `${port}`, PUBLIC_URL: `http://127.0.0.1:${port}` });
  });
  after(() => harness?.stop());

  const post = async (path: string, body: object) => {
    const response = await harness.request('POST', path, body);
    expect(response.status, JSON.stringify(response.body)).to.be.within(200, 202);
    return response.body;
  };
  const send = (body: object) => post('/api/messages/email', body);
  const receive = (body: object) =>
    post('/api/webhooks/email', { from: 'ada@example.net', to: OURS, attachments: [], ...body });
  async function sent(id: number): Promise<StandardEmail> {
    const { provider_message_id } = await harness.untilStatus(id, 'delivered');
    const accepted = (await harness.accepted()).find((each) => each.id === provider_message_id);
    return accepted?.request as unknown as StandardEmail;
  }

  it('arrives whole, in the thread of the email that it answers, whose sender has the display name', async () => {
    const from = 'Ada <ada@example.net>';
    const question = await receive({
      from,
      xillio_id: 'question',
      body: 'How?',
      message_id: `<${ANSWERED}>`,
    });
    const { body } = await harness.request('GET', '/api/participants?address=ada@example.net');
    expect(body.data[0].name).to.equal('Ada');
    const message = referenceEmail();
    const { to, cc, bcc, reply_to, subject, email, files } = message;
    const { names } = email;
    const textOf = (address: string) =>
      names[address] ? `"${names[address].replaceAll('"', '\\"')}" <${address}>` : address;
    const { id, internet_message_id } = await send({
      ...{ from: textOf(OURS), to: to.map(textOf), cc: cc?.map(textOf), bcc, subject },
      ...{ reply_to: textOf(String(reply_to)), text: email.text, html: email.html, headers: email.headers },
      reply_to_message_id: question.id,
      attachments: files.map(({ name, contentType, contentId, content }) => ({
        ...{ filename: name, content_type: contentType, content: content?.toString('base64') },
        ...(contentId !== null && { content_id: contentId }),
      })),
    });
    const request = await sent(id);
    const thread = { inReplyTo: ANSWERED, references: [ANSWERED] };
    expectSame(
      await receivedByStandard(request),
      { ...message, email: { ...email, ...thread } },
      internet_message_id,
    );
    expect(request).to.deep.include({ bcc, attachments: request.files?.map(({ url }) => url) });
  });

  it('has the members of the first version unchanged, and others only for the parts that it has', async () => {
    const [url, timestamp] = ['https://files.example.com/a.pdf', '2024-11-01T14:00:00.000Z'];
    const email = { from: OURS, to: 'ada@example.net', attachments: [url], timestamp };
    const cases = [
      [{ body: 'Use the <b> tag' }, { body_type: 'html', text: 'Use the tag' }],
      [{ text: 'Use the <b> tag' }, { body_type: 'text' }],
      [{ html: 'No tag' }, { body_type: 'html', text: 'No tag' }],
    ] as const;
    for (const [content, others] of cases) {
      const { id, body, internet_message_id: message_id } = await send({ ...email, ...content });
      expect(await sent(id)).to.deep.equal({ ...email, body, ...others, message_id });
    }
  });

  it('is received with its parts, and linked to the email whose Message-ID the provider has replaced', async () => {
    const { id } = await send({ from: OURS, to: 'ada@example.net', subject: 'Order 7', text: 'It ships.' });
    const { provider_message_id: xillio_id } = await harness.untilStatus(id, 'delivered');
    await post('/api/webhooks/email/status', {
      xillio_id,
      status: 'deferred',
      message_id: '<wire@gateway.example>',
    });
    const parts = { body: '<p>Thanks</p>', text: 'Thanks', headers: { 'Auto-Submitted': ['auto-replied'] } };
    const received = await receive({
      ...{ xillio_id: 'reply', ...parts, body_type: 'html', message_id: '<reply@mail.example.net>' },
      ...{ in_reply_to: '<wire@gateway.example>', references: ['first@mail.example.net'] },
      attachments: ['http://127.0.0.1:9/1'],
      files: [{ filename: 'order.pdf', content_type: 'application/pdf' }],
    });
    expect(received).to.deep.include({
      ...{ ...parts, html: parts.body, headers: { 'auto-submitted': 'auto-replied' }, auto_reply: true },
      ...{ internet_message_id: 'reply@mail.example.net', in_reply_to: id },
    });
    const { body } = await harness.request('GET', `/api/messages/${received.id}`);
    expect(body.media[0]).to.include({ name: 'order.pdf', content_type: 'application/pdf' });
    const text = await receive({ xillio_id: 'text', body: 'Use the <b> tag', body_type: 'text', headers: 5 });
    expect(text).not.to.have.any.keys('html', 'text', 'headers', 'in_reply_to');
  });
});
