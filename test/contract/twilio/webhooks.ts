import { MatchersV3 } from '@pact-foundation/pact';
import { expect } from 'chai';
import { Account } from '../../../src/simulator/dialects/twilio/account.ts';
import { ACCOUNT_SID } from '../../../src/simulator/dialects/twilio/dialect.ts';
import { receive } from '../../../src/simulator/dialects/twilio/webhooks/inbound.ts';
import { TwilioWebhooks } from '../../../src/simulator/dialects/twilio/webhooks/sender.ts';
import { callbackOf } from '../../../src/simulator/dialects/twilio/webhooks/statuses.ts';
import { defaults } from '../../../src/simulator/settings.ts';
import { Simulation } from '../../../src/simulator/simulation.ts';
import type { Interaction } from '../agreement.ts';
import type { Form } from '../form.ts';
import { link, phone } from '../shapes.ts';
import { AUTH_TOKEN, messageSid, SID } from './adapter.ts';
import { FORGED, GOOD, SIGNATURE } from './signatures.ts';

const { regex, string } = MatchersV3;

const PATH = '/api/webhooks/twilio';
const ECHO = '1-ihwPbl0bTFedDj8LakwuAQ';
const IN_SID = `SM1${'123456789abcdef0'.repeat(2).slice(1)}`;
const accountSid = regex(/^AC[0-9a-fA-F]{32}$/, ACCOUNT_SID);
const word = (example: string) => regex(/^[\s\S]*$/, example);

interface Webhook extends Pick<Interaction, 'is' | 'given'> {
  query?: Record<string, MatchersV3.Matcher<string>>;
  form: Form;
  forged?: boolean;
  /** Sends the webhook and returns the status of the response. */
  sends(url: string, authToken: string): Promise<number>;
}

function webhook({ is, given, query, form, forged = false, sends }: Webhook): Interaction {
  return {
    is,
    ...(given && { given }),
    request: {
      method: 'POST',
      path: PATH,
      ...(query && { query }),
      headers: { 'X-Twilio-Signature': regex(SIGNATURE, forged ? FORGED : GOOD) },
      form,
    },
    response: forged
      ? { status: 401 }
      : {
          status: 200,
          headers: { 'Content-Type': regex(/^text\/xml\b.*$/, 'text/xml') },
          xml: '<Response></Response>',
        },
    asks: async (url) => {
      expect(await sends(url, forged ? 'f'.repeat(32) : AUTH_TOKEN)).to.equal(forged ? 401 : 200);
    },
  };
}

/** The inbound messages of Twilio. */
export function inboundMessages(): Interaction[] {
  const form: Form = {
    ...{ ToCountry: word('US'), ToState: word(''), ToCity: word(''), ToZip: word('') },
    ...{ FromCountry: word('US'), FromState: word('VA'), FromCity: word('RICHMOND'), FromZip: word('23220') },
    ...{
      SmsMessageSid: messageSidOf(IN_SID),
      SmsSid: messageSidOf(IN_SID),
      MessageSid: messageSidOf(IN_SID),
    },
    ...{
      AccountSid: accountSid,
      SmsStatus: 'received',
      From: phone('+18045551234'),
      To: phone('+12016661234'),
    },
    ...{ Body: string('Hello'), NumMedia: '0', NumSegments: regex(/^\d+$/, '1'), ApiVersion: '2010-04-01' },
  };
  const media: Form = {
    MediaContentType0: regex(/^\w+\/\S+$/, 'image/jpeg'),
    MediaUrl0: link('https://api.twilio.com/media/ME1'),
  };
  const sends = (more: object) => async (url: string, authToken: string) => {
    const simulation = new Simulation({ ...defaults, service_url: url });
    const context = {
      ...{ account: new Account(ACCOUNT_SID), simulation },
      webhooks: new TwilioWebhooks(simulation.webhooks, authToken),
    };
    const { status } = await receive(context, { MessageSid: IN_SID, ...more });
    simulation.close();
    return status;
  };
  const inbound = (is: string, more: Partial<Webhook> = {}) =>
    webhook({ is, form, sends: sends({}), ...more });
  return [
    inbound('an inbound SMS'),
    inbound('an inbound SMS that was delivered before', {
      given: ['an inbound message was recorded', { provider_message_id: IN_SID }],
    }),
    inbound('an inbound SMS with a signature by another token', { forged: true }),
    inbound('an inbound MMS', {
      form: { ...form, NumMedia: '1', ...media },
      sends: sends({
        ...{ NumMedia: '1', MediaContentType0: 'image/jpeg', MediaUrl0: 'https://api.twilio.com/media/ME1' },
      }),
    }),
    inbound('an inbound SMS that opts out', {
      form: { ...form, Body: 'STOP', OptOutType: 'STOP' },
      sends: sends({ Body: 'STOP' }),
    }),
  ];
}

/** The status callbacks of Twilio. */
export function statusCallbacks(): Interaction[] {
  const callback = (status: string, errorCode: number | null = null, sent = true) => {
    const hasTime = status === 'delivered' || status === 'undelivered';
    return webhook({
      is: `a status callback with the status ${status}${sent ? '' : ' before the response to the send'}`,
      ...(sent && {
        given: ['a message was accepted by the provider', { channel: 'sms', provider_message_id: SID }],
      }),
      query: { echo: regex(/^[\w-]{24,36}$/, ECHO) },
      form: {
        ...(errorCode !== null && { ErrorCode: regex(/^\d{5}$/, String(errorCode)) }),
        ...{ SmsSid: messageSid, SmsStatus: status, MessageStatus: status, To: phone('+18045551234') },
        ...{ MessageSid: messageSid, AccountSid: accountSid, From: phone('+12016661234') },
        ...{ ApiVersion: '2010-04-01', ...(hasTime && { RawDlrDoneDate: regex(/^\d{10}$/, '2411011400') }) },
      },
      sends: async (url, authToken) => {
        const form = callbackOf(messageWith(status, errorCode), defaults);
        const simulation = new Simulation(defaults);
        const sender = new TwilioWebhooks(simulation.webhooks, authToken);
        const answer = await sender.post(`${url}${PATH}?echo=${ECHO}`, form);
        simulation.close();
        return answer.status;
      },
    });
  };
  return [
    ...['queued', 'sending', 'sent', 'delivered'].map((status) => callback(status)),
    callback('undelivered', 30003),
    callback('failed', 30007),
    callback('delivered', null, false),
  ] as Interaction[];
}

function messageSidOf(example: string) {
  return regex(/^(SM|MM)[0-9a-fA-F]{32}$/, example);
}

function messageWith(status: string, errorCode: number | null) {
  const time = new Date('2024-11-01T14:00:00Z');
  return {
    ...{ sid: SID, accountSid: ACCOUNT_SID, direction: 'outbound-api' as const, media: [] },
    ...{ from: '+12016661234', to: '+18045551234', body: 'Hello!', messagingServiceSid: null },
    ...{ status, errorCode, errorMessage: null, createdAt: time, updatedAt: time, sentAt: time },
  };
}
