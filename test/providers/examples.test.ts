import { expect } from 'chai';
import { openApiDocument } from '../../src/openapi/document.ts';
import { createRegistry } from '../../src/providers/registry.ts';
import { readEnvelope } from '../../src/providers/ses/sns/envelope.ts';
import { IncomingWebhook } from '../../src/providers/webhook.ts';
import { loadConfig } from '../../src/service/service.ts';
import { environmentFor } from '../support/harness.ts';
import { postmarkEnvironment } from '../support/postmark.ts';
import { sendgridEnvironment } from '../support/sendgrid.ts';
import { sesEnvironment } from '../support/ses.ts';
import { API_KEY, PUBLIC_KEY } from '../support/telnyx.ts';
import { AUTH_TOKEN } from '../support/twilio.ts';
import { vonageAccount } from '../support/vonage.ts';

type Example = Record<string, unknown>;

interface Operation {
  requestBody: {
    content: Record<
      string,
      { schema: { anyOf: { $ref: string }[] }; examples: Record<string, { $ref: string }> }
    >;
  };
}

const document = openApiDocument();
const { post } = document.paths['/api/webhooks/{account}'] as unknown as { post: Operation };
const { examples } = document.components as unknown as { examples: Record<string, { value: Example }> };
const nameOf = ({ $ref }: { $ref: string }) => $ref.split('/').at(-1) as string;

const FORM = 'application/x-www-form-urlencoded';
const { accounts } = loadConfig({
  ...environmentFor('http://127.0.0.1:1', 'postgres://127.0.0.1/none'),
  ...{ SMS_PROVIDERS: 'text-co,twilio,telnyx,vonage', TWILIO_AUTH_TOKEN: AUTH_TOKEN },
  ...{ TELNYX_API_KEY: API_KEY, TELNYX_PUBLIC_KEY: PUBLIC_KEY },
  TWILIO_ACCOUNT_SID: `AC${'0123456789abcdef'.repeat(2)}`,
  ...vonageAccount('http://127.0.0.1:1'),
  ...sesEnvironment('http://127.0.0.1:1'),
  ...sendgridEnvironment('http://127.0.0.1:1'),
  ...postmarkEnvironment('http://127.0.0.1:1'),
  ...{ EMAIL_PROVIDERS: 'mail-co,ses,resend,sendgrid,postmark', RESEND_API_KEY: 're_0123456789abcdef' },
});
const { sms, email } = createRegistry(accounts, 1_000);

/** The kind of account that sends an example, and what the example says. */
function readExample(example: Example, isForm: boolean) {
  const payload = (example.data as { payload?: Example } | undefined)?.payload;
  const { from, to, id } = (payload ?? {}) as { from?: Example; to?: Example[]; id?: string };
  if (payload)
    return {
      ...{ name: 'telnyx', id, from: from?.phone_number },
      status: payload.direction === 'inbound' ? undefined : STATUSES[String(to?.at(-1)?.status)],
    };
  if (example.message_uuid !== undefined)
    return {
      ...{ name: 'vonage', id: example.message_uuid, from: `+${example.from}` },
      status: STATUSES[String(example.status)],
    };
  if (example.TopicArn !== undefined) {
    const { eventType, mail } = JSON.parse(String(example.Message));
    return { name: 'ses', id: mail.messageId, status: STATUSES[eventType] };
  }
  const { email_id } = (example.data ?? {}) as { email_id?: string };
  if (email_id !== undefined) return { name: 'resend', id: email_id, status: STATUSES[String(example.type)] };
  if (Array.isArray(example))
    return { name: 'sendgrid', id: example[0].sg_message_id.split('.filter')[0], status: example[0].event };
  if (example.RecordType !== undefined)
    return {
      ...{ name: 'postmark', id: example.MessageID },
      status: STATUSES[String(example.Type ?? example.RecordType)],
    };
  return {
    name: isForm ? 'twilio' : example.xillio_id === undefined ? 'text-co' : 'mail-co',
    id: example.MessageSid ?? example.messaging_provider_id ?? example.xillio_id,
    from: example.From ?? example.from,
    status: example.MessageStatus ?? example.status,
  };
}

/** The statuses and events of the providers in the words of the service. */
const STATUSES: Record<string, string> = {
  delivered: 'delivered',
  delivery_failed: 'undelivered',
  rejected: 'failed',
  Delivery: 'delivered',
  Bounce: 'bounced',
  HardBounce: 'bounced',
  'email.delivered': 'delivered',
  'email.bounced': 'bounced',
};

describe('The examples of webhooks in openapi.yaml', () => {
  for (const [type, { examples: references }] of Object.entries(post.requestBody.content))
    for (const [title, reference] of Object.entries(references))
      it(`are read by the adapter: ${type}, ${title}`, async () => {
        const example = examples[nameOf(reference)]?.value as Example;
        // The confirmation of a subscription is a request to SNS.
        if (example.SubscribeURL !== undefined) return expect(readEnvelope(example)).to.not.equal(null);
        const isForm = type === FORM;
        const { name, id, from, status } = readExample(example, isForm);
        const provider = [...sms, ...email].find((account) => account.name === name);
        const text = isForm
          ? new URLSearchParams(example as Record<string, string>).toString()
          : JSON.stringify(example);
        const webhook = new IncomingWebhook({
          ...{ headers: { 'content-type': type }, target: '/', publicUrl: null },
          readBody: async () => Buffer.from(text),
        });
        const { messages = [], receipts = [] } = (await provider?.parse(webhook)) ?? {};
        expect([messages.length, receipts.length]).to.deep.equal(status === undefined ? [1, 0] : [0, 1]);
        // A report about one recipient of a group has the id of the group.
        const group = (example.data as { payload?: Example } | undefined)?.payload?.group_message_id;
        expect([...messages, ...receipts][0]).to.include({ providerMessageId: group ?? id });
        if (messages[0]) expect(messages[0]).to.include({ from });
        if (receipts[0]) expect(receipts[0].status).to.equal(status);
      });

  it('show every schema of the payloads', () => {
    const shown = Object.values(post.requestBody.content).flatMap(({ examples: each }) =>
      Object.values(each).map((reference) =>
        Object.keys([examples[nameOf(reference)]?.value ?? {}].flat()[0] as object),
      ),
    );
    const { schemas } = document.components as unknown as {
      schemas: Record<string, { required: string[]; items: { $ref: string } }>;
    };
    for (const { schema } of Object.values(post.requestBody.content))
      for (const reference of schema.anyOf) {
        const { items } = schemas[nameOf(reference)] ?? {};
        const { required } = schemas[nameOf(items ?? reference)] as { required: string[] };
        const isShown = shown.some((fields) => required.every((field) => fields.includes(field)));
        expect(isShown, reference.$ref).to.equal(true);
      }
  });
});
