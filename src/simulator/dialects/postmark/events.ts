import type { Step } from '../../email/steps.ts';
import type { Email } from './account.ts';

const BOUNCES = {
  hard: ['HardBounce', 1, 'Hard bounce', '550 5.1.1 The email account does not exist'],
  soft: ['SoftBounce', 4_096, 'Soft bounce', '452 4.2.2 The mailbox is full'],
  deferred: ['Transient', 2, 'Message delayed', '451 4.7.1 Greylisting in action'],
  dropped: ['ManuallyDeactivated', 100_002, 'Manually deactivated', 'The address is deactivated'],
} as const;

/**
 * The webhook of a step; null for a step that Postmark does not report.
 * Source: https://postmarkapp.com/developer/webhooks/webhooks-overview
 *
 * @param n a number that no other event has.
 */
export function eventOf(email: Email, step: Step, n: number): object | null {
  const [recipient = ''] = step.recipients;
  const at = new Date(n).toISOString();
  const common = {
    ...{ ServerID: 23, MessageStream: email.stream, MessageID: email.id, Tag: '', Metadata: email.metadata },
  };
  const reader = { UserAgent: 'Mozilla/5.0', Platform: 'Desktop', ReceivedAt: at, Recipient: recipient };
  const bounce = (kind: keyof typeof BOUNCES) => {
    const [Type, TypeCode, Name, Details] = BOUNCES[kind];
    return {
      ...{ RecordType: 'Bounce', ID: n, Type, TypeCode, Name, Description: Name, Details, ...common },
      ...{ Email: recipient, From: email.from, Subject: email.subject, BouncedAt: at, Content: '' },
      ...{ DumpAvailable: false, Inactive: kind === 'hard', CanActivate: true },
    };
  };
  switch (step.event) {
    case 'sent':
      return null;
    case 'delivered':
      return { RecordType: 'Delivery', ...common, Recipient: recipient, DeliveredAt: at, Details: '250 OK' };
    case 'bounced':
      return bounce(step.bounce ?? 'soft');
    case 'deferred':
    case 'dropped':
      return bounce(step.event);
    case 'complained':
      return {
        ...{ RecordType: 'SpamComplaint', ID: n, Type: 'SpamComplaint', TypeCode: 100_001, ...common },
        ...{ Email: recipient, BouncedAt: at, Inactive: true, CanActivate: false },
      };
    case 'unsubscribed':
      return {
        ...{ RecordType: 'SubscriptionChange', ...common, ChangedAt: at, Recipient: recipient },
        ...{ Origin: 'Recipient', SuppressSending: true, SuppressionReason: 'ManualSuppression' },
      };
    case 'opened':
      return { RecordType: 'Open', ...common, FirstOpen: true, ...reader };
    case 'clicked':
      return {
        ...{ RecordType: 'Click', ...common, ClickLocation: 'HTML', ...reader },
        OriginalLink: 'https://example.com/',
      };
  }
}
