import { MatchersV3 } from '@pact-foundation/pact';
import { expect } from 'chai';
import { eventOf } from '../../../src/simulator/dialects/postmark/events.ts';
import { postEvent, postInbound } from '../../../src/simulator/dialects/postmark/webhooks.ts';
import type { Step } from '../../../src/simulator/email/steps.ts';
import { defaults } from '../../../src/simulator/settings.ts';
import { Simulation } from '../../../src/simulator/simulation.ts';
import { PASSWORD } from '../../support/postmark.ts';
import type { Interaction } from '../agreement.ts';
import { filled, time, uuid } from '../shapes.ts';
import { ID } from './api.ts';

const { boolean, eachLike, integer, like, regex } = MatchersV3;

const PATH = '/api/webhooks/postmark';
const TO = 'ada@example.net';
const EMAIL = {
  ...{ id: ID, from: 'shop@example.com', to: TO, subject: 'Hello', recipients: [TO], stream: 'outbound' },
  ...{ metadata: { echo: '16-ihwPbl0bTFedDj8LakwuAQ' }, acceptedAt: new Date() },
};
const address = regex(/^[^\s@]+@[^\s@]+$/, TO);
const basic = (password: string) => `Basic ${Buffer.from(`postmark:${password}`).toString('base64')}`;
const simulationAt = (url: string) => new Simulation({ ...defaults, service_url: url });

interface Webhook extends Pick<Interaction, 'is'> {
  step: Pick<Step, 'event' | 'bounce'>;
  /** The fields beside those of every event. */
  fields: object;
  password?: string;
  sent?: boolean;
}

function webhook({ is, step, fields, password = PASSWORD, sent = true }: Webhook): Interaction {
  const isForged = password !== PASSWORD;
  return {
    is,
    ...(sent && {
      given: ['a message was accepted by the provider', { channel: 'email', provider_message_id: ID }] as [
        string,
        Record<string, string>,
      ],
    }),
    request: {
      ...{ method: 'POST', path: PATH, headers: { Authorization: basic(password) } },
      body: {
        ...{ ServerID: integer(23), MessageStream: filled('outbound'), MessageID: uuid(ID), Tag: like('') },
        Metadata: { echo: regex(/^[\w-]{24,36}$/, EMAIL.metadata.echo) },
        ...fields,
      },
    },
    response: isForged ? { status: 401 } : { status: 200, body: {} },
    asks: async (url) => {
      const simulation = simulationAt(url);
      const event = eventOf(EMAIL, { ...step, recipients: [TO] }, Date.now()) as object;
      const { status } = await postEvent(simulation, { user: 'postmark', password }, event);
      simulation.close();
      expect(status).to.equal(isForged ? 401 : 200);
    },
  };
}

function bounce(Type: string, inactive: boolean): object {
  return {
    ...{
      RecordType: 'Bounce',
      ID: integer(692_560_173),
      Type,
      TypeCode: integer(1),
      Name: filled('Hard bounce'),
    },
    ...{
      Description: filled('Hard bounce'),
      Details: filled('550 5.1.1'),
      Email: address,
      BouncedAt: time(),
    },
    ...{ From: filled('shop@example.com'), Subject: filled('Hello'), Content: like('') },
    ...{ DumpAvailable: boolean(false), Inactive: inactive, CanActivate: boolean(true) },
  };
}

/** The events of emails that Postmark sends. */
export function events(): Interaction[] {
  const reader = {
    ...{
      UserAgent: filled('Mozilla/5.0'),
      Platform: filled('Desktop'),
      ReceivedAt: time(),
      Recipient: address,
    },
  };
  const delivery = {
    step: { event: 'delivered' as const },
    fields: { RecordType: 'Delivery', Recipient: address, DeliveredAt: time(), Details: filled('250 OK') },
  };
  return [
    webhook({ is: 'a delivery of an email', ...delivery }),
    webhook({ is: 'an event with another password', ...delivery, password: 'another-password-0123' }),
    webhook({ is: 'an event that arrives before the response to the send', ...delivery, sent: false }),
    webhook({
      is: 'a hard bounce',
      ...{ step: { event: 'bounced', bounce: 'hard' }, fields: bounce('HardBounce', true) },
    }),
    webhook({
      is: 'a soft bounce',
      ...{ step: { event: 'bounced', bounce: 'soft' }, fields: bounce('SoftBounce', false) },
    }),
    webhook({ is: 'a delay', step: { event: 'deferred' }, fields: bounce('Transient', false) }),
    webhook({
      ...{ is: 'a complaint', step: { event: 'complained' } },
      fields: {
        ...{
          RecordType: 'SpamComplaint',
          ID: integer(42),
          Type: 'SpamComplaint',
          TypeCode: integer(100_001),
        },
        ...{ Email: address, BouncedAt: time(), Inactive: true, CanActivate: boolean(false) },
      },
    }),
    webhook({
      ...{ is: 'an unsubscription', step: { event: 'unsubscribed' } },
      fields: {
        ...{ RecordType: 'SubscriptionChange', ChangedAt: time(), Recipient: address, Origin: 'Recipient' },
        ...{ SuppressSending: true, SuppressionReason: 'ManualSuppression' },
      },
    }),
    webhook({
      ...{ is: 'an opening', step: { event: 'opened' } },
      fields: { RecordType: 'Open', FirstOpen: boolean(true), ...reader },
    }),
    webhook({
      ...{ is: 'a click', step: { event: 'clicked' } },
      fields: {
        ...{ RecordType: 'Click', ClickLocation: filled('HTML'), ...reader },
        OriginalLink: regex(/^https?:\/\/\S+$/, 'https://example.com/'),
      },
    }),
  ];
}

/** An inbound email, which Postmark posts to a URL of its own. */
export function inbound(): Interaction {
  const mailbox = (email: string) => ({
    ...{ Email: regex(/^[^\s@]+@[^\s@]+$/, email), Name: like(''), MailboxHash: like('') },
  });
  return {
    is: 'an inbound email',
    request: {
      ...{ method: 'POST', path: `${PATH}/inbound`, headers: { Authorization: basic(PASSWORD) } },
      body: {
        ...{ FromName: like(''), MessageStream: filled('inbound'), From: address, FromFull: mailbox(TO) },
        ...{
          To: filled('shop@example.com'),
          ToFull: [mailbox('shop@example.com')],
          Cc: like(''),
          CcFull: [],
        },
        ...{ Bcc: like(''), BccFull: [], OriginalRecipient: filled('shop@example.com') },
        ...{ Subject: filled('Hello'), MessageID: uuid(ID), ReplyTo: like(''), MailboxHash: like('') },
        ...{ Date: filled('Thu, 26 Nov 2026 10:00:00 +0000'), TextBody: filled('Hello'), HtmlBody: like('') },
        ...{ StrippedTextReply: like(''), Tag: like('') },
        Headers: eachLike({ Name: filled('Message-ID'), Value: filled('<m1@mail.example>') }),
        Attachments: [],
      },
    },
    response: { status: 200, body: {} },
    asks: async (url) => {
      const simulation = simulationAt(url);
      const fields = { from: TO, to: 'shop@example.com' };
      const credentials = { user: 'postmark', password: PASSWORD };
      const { status } = await postInbound(simulation, credentials, fields, []);
      simulation.close();
      expect(status).to.equal(200);
    },
  };
}
