import { expect } from 'chai';
import type { Message } from '../../../sdk/src/index.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/server.ts';
import type { Accepted } from '../../../src/simulator/store.ts';
import { entriesOf } from '../../support/consent.ts';
import { type Harness, startHarness, webhookSecret } from '../../support/harness.ts';
import { readBack } from '../../support/mail.ts';
import { deliverMime, mail, mimeEnvironment } from '../../support/mime.ts';
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
      expect(await threadHeadersOf(String(answer.provider_message_id))).to.deep.equal({
        ...{
          inReplyTo: `<reply@${kind}.example.org>`,
          references: `<${wireId}> <reply@${kind}.example.org>`,
        },
      });
    });

  /** The headers of an email as the provider got them: in a MIME message, or as JSON. */
  async function threadHeadersOf(providerMessageId: string) {
    const response = await fetch(`${simulator.url}/_control/messages?channel=email`);
    const { data } = (await response.json()) as { data: Accepted[] };
    const accepted = data.find(({ id }) => id === providerMessageId) as Accepted;
    const { Content, headers } = accepted.request as {
      Content?: { Raw: { Data: string } };
      headers?: Record<string, string>;
    };
    if (!Content) return { inReplyTo: headers?.['In-Reply-To'], references: headers?.References };
    const received = await readBack(Buffer.from(Content.Raw.Data, 'base64'));
    const bracketed = (ids: string[]) => ids.map((id) => `<${id}>`).join(' ');
    return { inReplyTo: bracketed([received.inReplyTo ?? '']), references: bracketed(received.references) };
  }
});
