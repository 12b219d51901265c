import { MatchersV3 } from '@pact-foundation/pact';
import { expect } from 'chai';
import { Account, type AccountContext } from '../../../src/simulator/dialects/telnyx/account.ts';
import { messageOf } from '../../../src/simulator/dialects/telnyx/message.ts';
import { receive } from '../../../src/simulator/dialects/telnyx/webhooks/inbound.ts';
import { reportOf } from '../../../src/simulator/dialects/telnyx/webhooks/reports.ts';
import { TelnyxWebhooks } from '../../../src/simulator/dialects/telnyx/webhooks/sender.ts';
import { defaults } from '../../../src/simulator/settings.ts';
import { Simulation } from '../../../src/simulator/simulation.ts';
import { SEED, seedFor } from '../../support/telnyx.ts';
import type { Interaction } from '../agreement.ts';
import { filled, link, phone, time, uuid } from '../shapes.ts';
import { ID } from './adapter.ts';
import { FORGED, GOOD, SIGNATURE } from './signatures.ts';

const { eachLike, integer, like, regex } = MatchersV3;

const PATH = '/api/webhooks/telnyx';
const CALLBACK = `https://messaging.example${PATH}?echo=1-ihwPbl0bTFedDj8LakwuAQ`;
const IN_ID = '7ee4241c-f127-47e5-9c34-3aac291f8058';
const word = (example: string) => regex(/^[\s\S]*$/, example);
const number = (example: string, more: object = {}) => ({
  phone_number: phone(example),
  ...{ carrier: word('T-MOBILE USA, INC.'), line_type: word('Wireless') },
  ...more,
});

interface Webhook extends Pick<Interaction, 'is' | 'given'> {
  type: string;
  payload: object;
  forged?: boolean;
  /** Sends the webhook to a service and returns the status of the response. */
  sends(context: AccountContext, url: string): Promise<number>;
}

function webhook({ is, given, type, payload, forged = false, sends }: Webhook): Interaction {
  return {
    is,
    ...(given && { given }),
    request: {
      method: 'POST',
      path: PATH,
      headers: {
        'telnyx-signature-ed25519': regex(SIGNATURE, forged ? FORGED : GOOD),
        'telnyx-timestamp': regex(/^\d{10}$/, '1700000000'),
      },
      body: {
        data: {
          ...{ event_type: type, id: uuid('b301ed3f-1490-491f-995f-6e64e69674d4'), record_type: 'event' },
          ...{ occurred_at: time(), payload: { record_type: 'message', ...payload } },
        },
        meta: { attempt: integer(1), delivered_to: link(`https://messaging.example${PATH}`) },
      },
    },
    response: forged ? { status: 401 } : { status: 200, body: {} },
    asks: async (url) => {
      const simulation = new Simulation({ ...defaults, service_url: url });
      const webhooks = new TelnyxWebhooks(simulation, forged ? seedFor('other') : SEED);
      const status = await sends({ account: new Account(), simulation, webhooks }, url);
      simulation.close();
      expect(status).to.equal(forged ? 401 : 200);
    },
  };
}

/** The fields of every message. */
const common = {
  ...{ messaging_profile_id: filled('4000eba1-a0c0-4563-9925-b25e842a7cb6') },
  organization_id: filled('b448f9cc-a842-4784-98e9-03c1a5872950'),
  ...{ encoding: word('GSM-7'), parts: integer(1), tags: [], webhook_failover_url: null, subject: null },
};

/** The inbound messages of Telnyx. */
export function inboundMessages(): Interaction[] {
  const payload = {
    ...common,
    ...{ direction: 'inbound', id: uuid(IN_ID), type: 'SMS', from: number('+18045551234') },
    to: [number('+12016661234', { status: word('webhook_delivered') })],
    ...{ cc: [], text: filled('Hello'), autoresponse_type: null, media: [] },
    ...{ webhook_url: link(`https://messaging.example${PATH}`), cost: null, received_at: time() },
    ...{ sent_at: null, completed_at: null, valid_until: null, errors: [] },
  };
  const picture = 'https://media.telnyx.com/x.png';
  const sends = (fields: object) => async (context: AccountContext) =>
    (await receive(context, { id: IN_ID, ...fields })).status;
  const inbound = (is: string, more: Partial<Webhook> = {}) =>
    webhook({ is, type: 'message.received', payload, sends: sends({}), ...more });
  return [
    inbound('an inbound SMS'),
    inbound('an inbound SMS that was delivered before', {
      given: ['an inbound message was recorded', { provider_message_id: IN_ID }],
    }),
    inbound('an inbound SMS with a signature by another key', { forged: true }),
    inbound('an inbound MMS', {
      payload: {
        ...{ ...payload, type: 'MMS', text: null },
        media: eachLike({
          url: link(picture),
          ...{ content_type: filled('image/png'), size: integer(1_024) },
          sha256: regex(/^[0-9a-f]{64}$/, 'ab'.repeat(32)),
        }),
      },
      sends: sends({ text: null, media: [picture] }),
    }),
    inbound('an inbound group MMS', {
      payload: { ...payload, type: 'MMS', cc: eachLike(number('+18045551235')) },
      sends: sends({ cc: ['+18045551235', '+18045551236'] }),
    }),
    inbound('an inbound SMS that opts out', {
      payload: { ...payload, text: 'STOP', autoresponse_type: 'STOP' },
      sends: sends({ text: 'STOP' }),
    }),
  ];
}

/** The delivery reports of Telnyx. */
export function reports(): Interaction[] {
  const report = (
    is: string,
    type: string,
    statuses: readonly string[],
    { errorCode = null, sent = true }: { errorCode?: number | null; sent?: boolean } = {},
  ) => {
    const isGroup = statuses.length > 1;
    const numbers = statuses.map((_status, index) => `+1804555123${4 + index}`);
    const isFinal = type === 'message.finalized';
    return webhook({
      ...{ is, type },
      ...(sent && {
        given: ['a message was accepted by the provider', { channel: 'sms', provider_message_id: ID }],
      }),
      payload: {
        ...common,
        ...{ direction: 'outbound', id: uuid(isGroup ? IN_ID : ID), type: isGroup ? 'MMS' : 'SMS' },
        ...(isGroup && { group_message_id: uuid(ID) }),
        ...{ from: number('+12016661234'), cc: [], text: filled('Hello!'), media: [] },
        to: statuses.map((status, index) => number(numbers[index] as string, { status })),
        webhook_url: regex(/^https?:\/\/\S+\?echo=[\w-]{24,36}$/, CALLBACK),
        cost: { amount: like('0.0051'), currency: like('USD') },
        ...{ received_at: time(), sent_at: time(), completed_at: isFinal ? time() : null },
        valid_until: time(),
        errors:
          errorCode === null
            ? []
            : eachLike({
                ...{ code: regex(/^\d{5}$/, String(errorCode)), title: filled('Undeliverable') },
                ...{ detail: filled('Undeliverable.'), source: { pointer: word('/to/0') } },
                meta: { url: link(`https://developers.telnyx.com/docs/overview/errors/${errorCode}`) },
              }),
      },
      sends: async ({ webhooks }, url) => {
        const to = isGroup ? numbers : (numbers[0] as string);
        const request = { from: '+12016661234', to, text: 'Hello!', webhook_url: CALLBACK };
        const message = messageOf(request, isGroup);
        const [recipient] = message.recipients;
        if (!recipient) throw new Error('There is no recipient');
        if (!isGroup) message.id = ID;
        recipient.status = statuses[0] as string;
        message.sentAt = new Date();
        if (isFinal) message.completedAt = new Date();
        const event = reportOf(message, { type, recipient, errorCode });
        return (await webhooks.post([url + PATH], event)).status;
      },
    });
  };
  return [
    report('a report with the status sent', 'message.sent', ['sent']),
    report('a report with the status delivered', 'message.finalized', ['delivered']),
    report('a report with the status delivery_failed', 'message.finalized', ['delivery_failed'], {
      errorCode: 40_008,
    }),
    report('a report with the status sending_failed', 'message.finalized', ['sending_failed'], {
      errorCode: 40_009,
    }),
    report(
      'a report with the status delivered before the response to the send',
      'message.finalized',
      ['delivered'],
      {
        sent: false,
      },
    ),
    report('a report about one recipient of a group', 'message.finalized', ['delivered', 'unknown']),
  ];
}
