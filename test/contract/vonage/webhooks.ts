import { MatchersV3 } from '@pact-foundation/pact';
import { expect } from 'chai';
import { eventOf } from '../../../src/simulator/dialects/vonage/inbound.ts';
import { statusOf } from '../../../src/simulator/dialects/vonage/statuses.ts';
import { VonageWebhooks } from '../../../src/simulator/dialects/vonage/webhooks.ts';
import { defaults } from '../../../src/simulator/settings.ts';
import { WebhookClient } from '../../../src/simulator/webhook-client.ts';
import { API_KEY, APPLICATION_ID, SIGNATURE_SECRET, uuidOf } from '../../support/vonage.ts';
import type { Interaction } from '../agreement.ts';
import { filled, link, time, uuid } from '../shapes.ts';
import { digits, ECHO, echo, UUID } from './adapter.ts';
import { GOOD, TOKEN, WRONG } from './signatures.ts';

const { regex, string } = MatchersV3;

const PATH = '/api/webhooks/vonage';
const IN_UUID = uuidOf(2);
const FROM = '18045551234';
const TO = '12016661234';
const usage = { currency: 'EUR', price: regex(/^\d+\.\d+$/, '0.0333') };

interface Webhook extends Pick<Interaction, 'is' | 'given'> {
  body: object;
  event: object;
  /** The signature by another secret, or none at all. */
  signature?: 'forged' | 'absent';
}

function webhook({ is, given, body, event, signature }: Webhook): Interaction {
  const status = signature === 'forged' ? 401 : signature === 'absent' ? 503 : 200;
  return {
    is,
    ...(given && { given }),
    request: {
      method: 'POST',
      path: PATH,
      headers: signature === 'absent' ? {} : { Authorization: regex(TOKEN, signature ? WRONG : GOOD) },
      body,
    },
    response: { status },
    asks: async (url) => {
      const secret = signature === 'forged' ? 'another-secret-of-somebody' : SIGNATURE_SECRET;
      const client = new WebhookClient();
      const sender = new VonageWebhooks(client, { secret, apiKey: API_KEY, applicationId: APPLICATION_ID });
      const answer = await sender.post(url + PATH, event, { unsigned: signature === 'absent' });
      client.cut();
      expect(answer.status).to.equal(status);
    },
  };
}

/** The inbound messages of Vonage. */
export function inboundMessages(): Interaction[] {
  const common = { message_uuid: uuid(IN_UUID), from: digits(FROM), to: digits(TO), timestamp: time() };
  const text = {
    ...{ ...common, channel: 'sms', message_type: 'text', text: string('Hello'), usage },
    sms: { num_messages: regex(/^\d+$/, '1'), keyword: filled('HELLO') },
  };
  const event = eventOf({ message_uuid: IN_UUID });
  const image = { url: 'https://api.nexmo.com/v3/media/1', caption: 'Look' };
  const sms = (is: string, more: Partial<Webhook> = {}) => webhook({ is, body: text, event, ...more });
  return [
    sms('an inbound SMS'),
    sms('an inbound SMS that was delivered before', {
      given: ['an inbound message was recorded', { provider_message_id: IN_UUID }],
    }),
    sms('an inbound SMS with a signature by another secret', { signature: 'forged' }),
    sms('an inbound SMS without a signature', { signature: 'absent' }),
    webhook({
      is: 'an inbound MMS',
      body: {
        ...{ ...common, channel: 'mms', message_type: 'image' },
        image: { url: link(image.url), caption: string(image.caption) },
      },
      event: eventOf({ message_uuid: IN_UUID, image }),
    }),
  ];
}

/** The statuses of Vonage. */
export function statuses(): Interaction[] {
  const request = { channel: 'sms' as const, message_type: 'text', from: TO, to: FROM, client_ref: ECHO };
  const status = (word: string, errorCode: number | null = null, sent = true) => {
    const page = 'https://developer.vonage.com/api-errors/messages';
    const error = {
      type: regex(/^https:\/\/\S+#\d{4}$/, `${page}#${errorCode}`),
      title: regex(/^\d{4}$/, String(errorCode)),
      detail: filled('Illegal number'),
      instance: filled('simulated'),
    };
    return webhook({
      is: `a status webhook with the status ${word}${sent ? '' : ' before the response to the send'}`,
      ...(sent && {
        given: ['a message was accepted by the provider', { channel: 'sms', provider_message_id: UUID }],
      }),
      body: {
        ...{ message_uuid: uuid(UUID), status: word, channel: 'sms', timestamp: time() },
        ...{ to: digits(FROM), from: digits(TO), client_ref: echo() },
        ...(errorCode !== null && { error }),
        ...(word !== 'rejected' && { usage }),
      },
      event: statusOf({ id: UUID, request }, { status: word, errorCode }, defaults),
    });
  };
  return [
    status('submitted'),
    status('delivered'),
    status('undeliverable', 1180),
    status('rejected', 1240),
    status('delivered', null, false),
  ];
}
