import type { Step } from '../../email/steps.ts';
import type { Email } from './account.ts';

const TYPES: Record<Exclude<Step['event'], 'unsubscribed'>, string> = {
  sent: 'email.sent',
  deferred: 'email.delivery_delayed',
  delivered: 'email.delivered',
  bounced: 'email.bounced',
  dropped: 'email.suppressed',
  complained: 'email.complained',
  opened: 'email.opened',
  clicked: 'email.clicked',
};

/** Source: https://resend.com/docs/dashboard/webhooks/event-types */
export function eventOf({ id, messageId, from, subject, tags, createdAt }: Email, step: Step): object {
  const now = new Date().toISOString();
  return {
    ...{ type: TYPES[step.event as keyof typeof TYPES], created_at: now },
    data: {
      ...{ created_at: createdAt.toISOString(), email_id: id, message_id: messageId, from },
      ...{ to: step.recipients, subject, tags },
      ...detailsOf(step, now),
    },
  };
}

function detailsOf({ event, bounce }: Step, now: string): object {
  if (event === 'bounced') {
    const isHard = bounce === 'hard';
    const message = isHard ? 'The mailbox does not exist' : 'The mailbox is full';
    const diagnosticCode = [isHard ? 'smtp; 550 5.1.1 user unknown' : 'smtp; 452 4.2.2 mailbox full'];
    return {
      bounce: { message, type: isHard ? 'Permanent' : 'Transient', subType: 'General', diagnosticCode },
    };
  }
  if (event === 'dropped') {
    const message = 'The address is on the suppression list';
    return {
      suppressed: {
        message,
        type: 'OnAccountSuppressionList',
        reason: 'previous_bounce',
        diagnosticCode: [],
      },
    };
  }
  const reader = { ipAddress: '192.0.2.1', timestamp: now, userAgent: 'Mozilla/5.0' };
  if (event === 'clicked') return { click: { ...reader, link: 'https://example.com/' } };
  return {};
}
