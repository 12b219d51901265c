import { MatchersV3 } from '@pact-foundation/pact';
import { expect } from 'chai';
import { eventsOf } from '../../../src/simulator/dialects/sendgrid/events.ts';
import { signingKey } from '../../../src/simulator/dialects/sendgrid/signature.ts';
import { postEvents } from '../../../src/simulator/dialects/sendgrid/webhooks.ts';
import type { Step } from '../../../src/simulator/email/steps.ts';
import { defaults } from '../../../src/simulator/settings.ts';
import { Simulation } from '../../../src/simulator/simulation.ts';
import { webhookSecret } from '../../support/harness.ts';
import type { Interaction } from '../agreement.ts';
import { filled } from '../shapes.ts';
import { ID } from './api.ts';
import { FORGED, GOOD, SIGNATURE } from './signatures.ts';

const { integer, regex } = MatchersV3;

const PATH = '/api/webhooks/sendgrid';
const TO = 'ada@example.net';
const EMAIL = {
  ...{ id: ID, smtpId: '<m42.4f1d@example.com>', recipients: [TO] },
  customArgs: { echo: '16-ihwPbl0bTFedDj8LakwuAQ' },
};

interface Webhook extends Pick<Interaction, 'is'> {
  step: Pick<Step, 'event' | 'bounce'>;
  /** The word of SendGrid. */
  event: string;
  details?: object;
  forged?: boolean;
  sent?: boolean;
}

function webhook({ is, step, event, details = {}, forged = false, sent = true }: Webhook): Interaction {
  return {
    is,
    ...(sent && {
      given: ['a message was accepted by the provider', { channel: 'email', provider_message_id: ID }] as [
        string,
        Record<string, string>,
      ],
    }),
    request: {
      ...{ method: 'POST', path: PATH },
      headers: {
        'X-Twilio-Email-Event-Webhook-Signature': regex(SIGNATURE, forged ? FORGED : GOOD),
        'X-Twilio-Email-Event-Webhook-Timestamp': regex(/^\d{10}$/, '1795687202'),
      },
      body: [
        {
          ...{ email: regex(/^[^\s@]+@[^\s@]+$/, TO), timestamp: integer(1_795_687_202), event },
          ...{ 'smtp-id': filled(EMAIL.smtpId), sg_event_id: filled('ZGVsaXZlcmVkLTAtMQ') },
          sg_message_id: regex(/^[\w.-]+\.filter\S+$/, `${ID}.filter0001.16648.5515E0B88.0`),
          ...details,
          echo: regex(/^[\w-]{24,36}$/, EMAIL.customArgs.echo),
        },
      ],
    },
    response: forged ? { status: 401 } : { status: 200, body: {} },
    asks: async (url) => {
      const simulation = new Simulation({ ...defaults, service_url: url });
      const key = signingKey(forged ? 'other' : webhookSecret);
      const { status } = await postEvents(simulation, key, eventsOf(EMAIL, { ...step, recipients: [TO] }));
      simulation.close();
      expect(status).to.equal(forged ? 401 : 200);
    },
  };
}

/** The events of emails that SendGrid sends. */
export function events(): Interaction[] {
  const reader = { ip: filled('192.0.2.1'), useragent: filled('Mozilla/5.0') };
  const reason = filled('550 5.1.1 The email account does not exist');
  const delivered = {
    ...{ step: { event: 'delivered' as const }, event: 'delivered', details: { response: filled('250 OK') } },
  };
  return [
    webhook({ is: 'an event that an email was processed', step: { event: 'sent' }, event: 'processed' }),
    webhook({ is: 'an event that an email was delivered', ...delivered }),
    webhook({ is: 'an event with a signature by another key', ...delivered, forged: true }),
    webhook({ is: 'an event that arrives before the response to the send', ...delivered, sent: false }),
    webhook({
      ...{ is: 'an event that an email is delayed', step: { event: 'deferred' }, event: 'deferred' },
      details: { response: filled('451 4.7.1 Greylisting in action'), attempt: filled('1') },
    }),
    webhook({
      ...{
        is: 'an event that an email bounced',
        step: { event: 'bounced', bounce: 'hard' },
        event: 'bounce',
      },
      details: { type: 'bounce', bounce_classification: 'Invalid Address', status: filled('5.1.1'), reason },
    }),
    webhook({
      ...{ is: 'an event that an email is blocked', step: { event: 'bounced', bounce: 'soft' } },
      ...{ event: 'bounce', details: { type: 'blocked', status: filled('4.2.2'), reason } },
    }),
    webhook({
      ...{ is: 'an event that an email was dropped', step: { event: 'dropped' }, event: 'dropped' },
      details: { reason: filled('Bounced Address'), status: filled('5.0.0') },
    }),
    webhook({
      ...{ is: 'an event that a recipient complained', step: { event: 'complained' }, event: 'spamreport' },
    }),
    webhook({
      is: 'an event that a recipient unsubscribed',
      ...{ step: { event: 'unsubscribed' }, event: 'unsubscribe' },
    }),
    webhook({
      ...{
        is: 'an event that an email was opened',
        step: { event: 'opened' },
        event: 'open',
        details: reader,
      },
    }),
    webhook({
      ...{ is: 'an event that a link was opened', step: { event: 'clicked' }, event: 'click' },
      details: { ...reader, url: regex(/^https?:\/\/\S+$/, 'https://example.com/') },
    }),
  ];
}
