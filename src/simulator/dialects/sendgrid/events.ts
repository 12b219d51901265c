import { randomUUID } from 'node:crypto';
import type { Step } from '../../email/steps.ts';
import type { Email } from './account.ts';

const EVENTS: Record<Step['event'], string> = {
  sent: 'processed',
  deferred: 'deferred',
  delivered: 'delivered',
  bounced: 'bounce',
  dropped: 'dropped',
  complained: 'spamreport',
  unsubscribed: 'unsubscribe',
  opened: 'open',
  clicked: 'click',
};

/**
 * The events of a step: one for each of its recipients.
 * Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
 */
export function eventsOf(email: Email, step: Step): object[] {
  const timestamp = Math.floor(Date.now() / 1_000);
  return step.recipients.map((recipient) => ({
    ...{ email: recipient, timestamp, event: EVENTS[step.event], 'smtp-id': email.smtpId },
    sg_event_id: randomUUID().replaceAll('-', ''),
    sg_message_id: `${email.id}.filter0001.16648.5515E0B88.${email.recipients.indexOf(recipient)}`,
    ...detailsOf(step),
    ...email.customArgs,
  }));
}

function detailsOf({ event, bounce }: Step): object {
  if (event === 'deferred')
    return { response: '451 4.7.1 Greylisting in action, please come back later', attempt: '1' };
  if (event === 'delivered') return { response: '250 OK' };
  if (event === 'bounced')
    return bounce === 'hard'
      ? {
          ...{ type: 'bounce', bounce_classification: 'Invalid Address', status: '5.1.1' },
          reason: '550 5.1.1 The email account does not exist',
        }
      : { type: 'blocked', status: '4.2.2', reason: '452 4.2.2 The mailbox is full' };
  if (event === 'dropped') return { reason: 'Bounced Address', status: '5.0.0' };
  if (event === 'opened') return { ip: '192.0.2.1', useragent: 'Mozilla/5.0' };
  if (event === 'clicked') return { ip: '192.0.2.1', useragent: 'Mozilla/5.0', url: 'https://example.com/' };
  return {};
}
