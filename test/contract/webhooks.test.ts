import { MatchersV3 } from '@pact-foundation/pact';
import { expect } from 'chai';
import { inboundEmail } from '../../src/simulator/email.ts';
import { inboundSms } from '../../src/simulator/sms.ts';
import type { WebhookSender } from '../../src/simulator/webhooks.ts';
import { type Harness, startHarness, webhookSecret } from '../helpers/harness.ts';
import { describeContract } from './agreement.ts';
import { receipts } from './receipts.ts';
import { serviceStates } from './service-states.ts';
import { filled, link, mailbox, phone, time } from './shapes.ts';
import { verify } from './verify.ts';
import { webhook } from './webhooks.ts';

const { eachLike, string } = MatchersV3;

describe('What providers send to the webhooks', () => {
  let harness: Harness;
  before(async () => {
    harness = await startHarness({
      TEXT_CO_WEBHOOK_SECRETS: webhookSecret,
      MAIL_CO_WEBHOOK_SECRETS: webhookSecret,
    });
    await harness.control('PUT', '/_control/settings', { receipts: { enabled: false } });
  });
  after(() => harness.stop());

  const isKept = (consumer: string) => () =>
    verify({
      consumer,
      provider: 'messaging-service',
      url: harness.url,
      states: serviceStates(harness),
      webhookSecret,
    });
  describeContract(
    'sms-provider',
    'messaging-service',
    [...texts(), ...receipts('sms', 'messaging_provider_id')],
    isKept('sms-provider'),
  );
  describeContract(
    'email-provider',
    'messaging-service',
    [...emails(), ...receipts('email', 'xillio_id')],
    isKept('email-provider'),
  );
});

function texts() {
  const path = '/api/webhooks/sms';
  const fields = { messaging_provider_id: 'in_1', body: 'Hello', timestamp: '2024-11-01T14:00:00.000Z' };
  const body = {
    from: phone('+18045551234'),
    to: phone('+12016661234'),
    type: 'sms',
    messaging_provider_id: filled('in_1'),
    body: string('Hello'),
    attachments: null,
    timestamp: time(),
  };
  const attachments = ['https://example.com/image.jpg'];
  const sends = (more: object) => (sender: WebhookSender, url: string) =>
    post(sender, url + path, inboundSms({ ...fields, ...more }));
  return [
    webhook({ is: 'an inbound SMS', path, body, sends: sends({}) }),
    webhook({
      is: 'an inbound SMS that was delivered before',
      given: ['an inbound message was taken', { channel: 'sms', provider_message_id: 'in_1' }],
      path,
      body,
      sends: sends({}),
    }),
    webhook({
      is: 'an inbound SMS with a signature by another secret',
      path,
      body,
      forged: true,
      sends: sends({}),
    }),
    webhook({
      is: 'an inbound MMS',
      path,
      body: { ...body, type: 'mms', attachments: eachLike(link('https://example.com/image.jpg')) },
      sends: sends({ attachments }),
    }),
    webhook({
      is: 'an inbound group MMS',
      path,
      body: { ...body, type: 'mms', to: [phone('+12016661234'), phone('+18045550000')] },
      sends: sends({ type: 'mms', to: ['+12016661234', '+18045550000'] }),
    }),
  ];
}

function emails() {
  const path = '/api/webhooks/email';
  const html = '<html><body>html is <b>allowed</b></body></html>';
  const fields = { xillio_id: 'in_2', body: html, timestamp: '2024-11-01T14:00:00.000Z' };
  const body = {
    from: mailbox('contact@gmail.com'),
    to: mailbox('user@usehatchapp.com'),
    xillio_id: filled('in_2'),
    body: string(html),
    attachments: [],
    timestamp: time(),
  };
  const sends = (more: object) => (sender: WebhookSender, url: string) =>
    post(sender, url + path, inboundEmail({ ...fields, ...more }));
  return [
    webhook({ is: 'an inbound email with HTML', path, body, sends: sends({}) }),
    webhook({
      is: 'an inbound email that was delivered before',
      given: ['an inbound message was taken', { channel: 'email', provider_message_id: 'in_2' }],
      path,
      body,
      sends: sends({}),
    }),
    webhook({
      is: 'an inbound email with a signature by another secret',
      path,
      body,
      forged: true,
      sends: sends({}),
    }),
    webhook({
      is: 'an inbound email with attachments, a subject and a copy',
      path,
      body: {
        ...body,
        subject: string('Thursday'),
        cc: eachLike(mailbox('team@usehatchapp.com')),
        attachments: eachLike(link('https://example.com/d.pdf')),
      },
      sends: sends({
        subject: 'Thursday',
        cc: ['team@usehatchapp.com'],
        attachments: ['https://example.com/d.pdf'],
      }),
    }),
  ];
}

async function post(sender: WebhookSender, url: string, event: object): Promise<void> {
  const { status } = await sender.post(url, 'evt_1', event);
  expect(status).to.be.oneOf([200, 401]);
}
