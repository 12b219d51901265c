import { MatchersV3 } from '@pact-foundation/pact';
import { expect } from 'chai';
import type { Email } from '../../../src/simulator/dialects/resend/account.ts';
import { eventOf } from '../../../src/simulator/dialects/resend/events.ts';
import { postEvent } from '../../../src/simulator/dialects/resend/webhooks.ts';
import type { Step } from '../../../src/simulator/email/steps.ts';
import { defaults } from '../../../src/simulator/settings.ts';
import { Simulation } from '../../../src/simulator/simulation.ts';
import { webhookSecret } from '../../support/harness.ts';
import type { Interaction } from '../agreement.ts';
import { filled, mailbox, time, uuid } from '../shapes.ts';
import { ID } from './adapter.ts';
import { FORGED, GOOD, SIGNATURE } from './signatures.ts';

const { eachLike, regex } = MatchersV3;

const PATH = '/api/webhooks/resend';
const OTHER = `whsec_${Buffer.alloc(24, 'other').toString('base64')}`;
const TO = 'ada@example.net';
const EMAIL: Email = {
  ...{ id: ID, messageId: '<111-222-333@email.example.com>', from: 'shop@example.com', recipients: [TO] },
  ...{ subject: 'Hello', tags: { echo: '16-ihwPbl0bTFedDj8LakwuAQ' }, createdAt: new Date() },
};

interface Webhook extends Pick<Interaction, 'is'> {
  step: Pick<Step, 'event' | 'bounce'>;
  type: string;
  /** The fields of `data` beside those of every event. */
  details?: object;
  forged?: boolean;
  sent?: boolean;
}

function webhook({ is, step, type, details = {}, forged = false, sent = true }: Webhook): Interaction {
  return {
    is,
    ...(sent && {
      given: [
        'a message was accepted by the provider',
        { channel: 'email', provider_message_id: ID },
      ] as const,
    }),
    request: {
      method: 'POST',
      path: PATH,
      headers: {
        'svix-id': filled('msg_1'),
        'svix-timestamp': regex(/^\d{10}$/, '1700000000'),
        'svix-signature': regex(SIGNATURE, forged ? FORGED : GOOD),
      },
      body: {
        ...{ type, created_at: time() },
        data: {
          ...{ created_at: time(), email_id: uuid(ID), message_id: regex(/^<\S+>$/, EMAIL.messageId) },
          ...{ from: filled(EMAIL.from), to: eachLike(mailbox(TO)), subject: filled('Hello') },
          tags: { echo: regex(/^[\w-]{24,36}$/, '16-ihwPbl0bTFedDj8LakwuAQ') },
          ...details,
        },
      },
    },
    response: forged ? { status: 401 } : { status: 200, body: {} },
    asks: async (url) => {
      const simulation = new Simulation({ ...defaults, service_url: url });
      const secret = forged ? OTHER : webhookSecret;
      const event = eventOf(EMAIL, { ...step, recipients: [TO] });
      const { status } = await postEvent(simulation, secret, event, 'msg_1');
      simulation.close();
      expect(status).to.equal(forged ? 401 : 200);
    },
  } as Interaction;
}

/** The events of emails that Resend sends. */
export function events(): Interaction[] {
  const diagnosticCode = eachLike(filled('smtp; 550 5.1.1 user unknown'));
  const bounce = (type: string) => ({
    bounce: {
      message: filled('The mailbox does not exist'),
      type,
      subType: filled('General'),
      diagnosticCode,
    },
  });
  const click = {
    ...{ ipAddress: filled('192.0.2.1'), timestamp: time(), userAgent: filled('Mozilla/5.0') },
    link: regex(/^https?:\/\/\S+$/, 'https://example.com/'),
  };
  const suppressed = {
    ...{ message: filled('On the list'), type: filled('OnAccountSuppressionList') },
    ...{ reason: filled('previous_bounce'), diagnosticCode: [] },
  };
  const delivered = { step: { event: 'delivered' as const }, type: 'email.delivered' };
  return [
    webhook({ is: 'an event that an email was sent', step: { event: 'sent' }, type: 'email.sent' }),
    webhook({ is: 'an event that an email was delivered', ...delivered }),
    webhook({ is: 'an event with a signature by another secret', ...delivered, forged: true }),
    webhook({ is: 'an event that arrives before the response to the send', ...delivered, sent: false }),
    webhook({
      ...{ is: 'an event that an email is delayed', step: { event: 'deferred' } },
      type: 'email.delivery_delayed',
    }),
    webhook({
      ...{ is: 'an event that an email bounced', step: { event: 'bounced', bounce: 'hard' } },
      ...{ type: 'email.bounced', details: bounce('Permanent') },
    }),
    webhook({
      ...{ is: 'an event that an email bounced for now', step: { event: 'bounced', bounce: 'soft' } },
      ...{ type: 'email.bounced', details: bounce('Transient') },
    }),
    webhook({
      ...{ is: 'an event that a recipient complained', step: { event: 'complained' } },
      type: 'email.complained',
    }),
    webhook({
      ...{ is: 'an event that a recipient is suppressed', step: { event: 'dropped' } },
      ...{ type: 'email.suppressed', details: { suppressed } },
    }),
    webhook({ is: 'an event that an email was opened', step: { event: 'opened' }, type: 'email.opened' }),
    webhook({
      ...{ is: 'an event that a link was opened', step: { event: 'clicked' } },
      ...{ type: 'email.clicked', details: { click } },
    }),
  ];
}
