import { expect } from 'chai';
import type { Message } from '../../../sdk/src/index.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/server.ts';
import type { Accepted } from '../../../src/simulator/store.ts';
import { entriesOf } from '../../support/consent.ts';
import { type Harness, startHarness, webhookSecret } from '../../support/harness.ts';
import {
  expectNoBlindCopy,
  expectSame,
  type ReceivedMail,
  readBack,
  referenceEmail,
} from '../../support/mail.ts';
import { deliverMime, mail, mimeEnvironment } from '../../support/mime.ts';
import { type ResendRequest, receivedByResend } from '../../support/resend.ts';
import { ACCESS_KEY_ID, SECRET_ACCESS_KEY, TOPIC } from '../../support/ses.ts';
import { until } from '../../support/until.ts';

/** The environment of an account of each kind at the simulator. */
const KINDS: Record<string, (url: string) => Record<string, string>> = {
  ses: (url) => ({
    ...{ SES_URL: `${url}/ses`, SES_REGION: 'us-east-1', SES_ACCESS_KEY_ID: ACCESS_KEY_ID },
    ...{ SES_SECRET_ACCESS_KEY: SECRET_ACCESS_KEY, SES_TOPIC_ARNS: TOPIC },
  }),
  resend: (url) => ({
    ...{ RESEND_URL: `${url}/resend`, RESEND_API_KEY: SECRET_ACCESS_KEY },
    RESEND_WEBHOOK_SECRETS: webhookSecret,
  }),
};

describe('Through a service with accounts at SES and Resend', () => {
  let simulator: Simulator;
  let service: Harness;
  before(async () => {
    simulator = await startSimulator({
      ...{ apiKey: SECRET_ACCESS_KEY, webhookSecret, ses: { topicArn: TOPIC } },
      settings: { receipts: { delay_ms: 1 } },
    });
    const accounts = Object.values(KINDS).map((environmentAt) => environmentAt(simulator.url));
    service = await startHarness({
      ...{ EMAIL_PROVIDERS: 'ses,resend', SES_SENDERS: 'ses.example', RESEND_SENDERS: 'resend.example' },
      ...Object.assign({}, mimeEnvironment, ...accounts),
    });
    await fetch(`${simulator.url}/_control/settings`, {
      ...{ method: 'PUT', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify({ service_url: service.url }),
    });
  });
  after(async () => {
    await service?.stop();
    await simulator.stop();
  });

  for (const kind of Object.keys(KINDS))
    it(`an email to several recipients at ${kind} has an outcome of each, and only the bounced and the complaining ones are suppressed`, async () => {
      const addressOf = (mailbox: string) => `${mailbox}@${kind}.example.net`;
      const to = ['ada', 'late-bounce', 'complaint'].map(addressOf);
      const timestamp = new Date().toISOString();
      const email = { from: `shop@${kind}.example`, to, subject: 'Hello', body: '<b>Hello</b>', timestamp };
      const { status, body } = await service.request('POST', '/api/messages/email', email);
      expect(status, JSON.stringify(body)).to.equal(202);
      const suppressed = async (address: string) => (await entriesOf(service, address)).length > 0;
      const read = async (): Promise<Message> =>
        (await service.request('GET', `/api/messages/${body.id}`)).body;
      await until(
        async () => (await suppressed(to[1] as string)) && (await suppressed(to[2] as string)),
        'the bounced and the complaining recipient are suppressed',
      );
      await until(
        async () =>
          (await read()).recipients?.map((each) => each.status).join() === 'delivered,undelivered,delivered',
        'each recipient has a status',
      );
      const { provider, recipients } = await read();
      expect(provider).to.equal(kind);
      expect(recipients?.map((each) => each.address)).to.deep.equal(to);
      expect(await suppressed(to[0] as string)).to.equal(false);
    });

  for (const kind of Object.keys(KINDS))
    it(`a reply to the Message-ID on the wire of ${kind} is linked, and the answer to it continues the thread`, async () => {
      const [ours, theirs] = [`shop@${kind}.example`, `ada@${kind}.example.org`];
      const send = async (more: object): Promise<Message> => {
        const email = { from: ours, to: theirs, text: 'It is on its way.', ...more };
        const { status, body } = await service.request('POST', '/api/messages/email', email);
        expect(status, JSON.stringify(body)).to.equal(202);
        return service.untilStatus(body.id, 'delivered');
      };
      const first = await send({ subject: 'Order 7' });
      const wireId = await until(async () => {
        const { body } = await service.request('GET', `/api/messages/${first.id}`);
        return /@email\.amazonses\.com$/.test(body.internet_message_id) && String(body.internet_message_id);
      }, 'the Message-ID on the wire is known');
      const headers = {
        From: theirs,
        To: ours,
        Subject: 'Re: Order 7',
        'Message-ID': `<reply@${kind}.example.org>`,
      };
      const reply = mail({ ...headers, 'In-Reply-To': `<${wireId}>`, References: `<${wireId}>` }, 'Thanks');
      expect((await deliverMime(service, reply, { recipients: [ours] })).status).to.equal(200);
      const received: Message = await until(async () => {
        const { body } = await service.request('GET', '/api/messages?direction=inbound&limit=100');
        return body.data.find((message: Message) => message.from === theirs);
      }, 'the reply is recorded');
      expect(received).to.include({ in_reply_to: first.id, conversation_id: first.conversation_id });
      const answer = await send({ reply_to_message_id: received.id });
      const { received: thread } = await receivedBy(String(answer.provider_message_id));
      const replyId = `reply@${kind}.example.org`;
      expect(thread).to.deep.include({ inReplyTo: replyId, references: [wireId, replyId] });
    });

  for (const kind of Object.keys(KINDS))
    it(`a whole email is the same for an independent parser in the data that ${kind} received`, async () => {
      const from = `shop@${kind}.example`;
      const reference = referenceEmail();
      const { names } = reference.email;
      const textOf = (address: string) =>
        names[address] === undefined ? address : `"${names[address].replaceAll('"', '\\"')}" <${address}>`;
      const message = {
        ...referenceEmail({ from }),
        email: {
          ...{ ...reference.email, inReplyTo: null, references: [], headers: { 'X-Ticket': '4711' } },
          names: { ...names, [from]: 'Müller & Söhne' },
        },
      };
      const { to, cc, bcc, reply_to, subject, email, files } = message;
      const { status, body } = await service.request('POST', '/api/messages/email', {
        ...{ from: `"Müller & Söhne" <${from}>`, to: to.map(textOf), cc: cc?.map(textOf), bcc, subject },
        ...{ reply_to: textOf(String(reply_to)), text: email.text, html: email.html, headers: email.headers },
        attachments: files.map(({ name, contentType, contentId, content }) => ({
          ...{ filename: name, content_type: contentType, content: content?.toString('base64') },
          ...(contentId !== null && { content_id: contentId }),
        })),
      });
      expect(status, JSON.stringify(body)).to.equal(202);
      const { provider_message_id } = await service.untilStatus(body.id, 'delivered');
      const { raw, received } = await receivedBy(String(provider_message_id));
      expectSame(received, message, received.messageId);
      if (raw !== null) expectNoBlindCopy(raw, message);
    });

  /** An email as the provider got it: as a MIME message, or as JSON. */
  async function receivedBy(
    providerMessageId: string,
  ): Promise<{ raw: Buffer | null; received: ReceivedMail }> {
    const response = await fetch(`${simulator.url}/_control/messages?channel=email`);
    const { data } = (await response.json()) as { data: Accepted[] };
    const request: unknown = data.find(({ id }) => id === providerMessageId)?.request;
    const { Content } = request as { Content?: { Raw: { Data: string } } };
    if (!Content) return { raw: null, received: receivedByResend(request as ResendRequest) };
    const raw = Buffer.from(Content.Raw.Data, 'base64');
    return { raw, received: await readBack(raw) };
  }
});
