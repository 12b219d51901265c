import { MatchersV3 } from '@pact-foundation/pact';
import { inboundSms } from '../../../src/simulator/dialects/standard/sms.ts';
import type { WebhookSender } from '../../../src/simulator/dialects/standard/webhooks.ts';
import { filled, link, phone, time } from '../shapes.ts';
import { deliver, webhook } from './webhook.ts';

const { eachLike, string } = MatchersV3;

export function texts() {
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
    deliver(sender, url + path, inboundSms({ ...fields, ...more }));
  return [
    webhook({ is: 'an inbound SMS', path, body, sends: sends({}) }),
    webhook({
      is: 'an inbound SMS that was delivered before',
      given: ['an inbound message was recorded', { channel: 'sms', provider_message_id: 'in_1' }],
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
