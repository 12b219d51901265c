import { randomUUID } from 'node:crypto';
import type { Step } from '../../email/steps.ts';
import type { Email } from './account.ts';

const DIAGNOSTICS = {
  hard: { status: '5.1.1', diagnosticCode: 'smtp; 550 5.1.1 user unknown' },
  soft: { status: '4.2.2', diagnosticCode: 'smtp; 452 4.2.2 mailbox full' },
};
/** The types that the feedback of an identity has too. */
const FEEDBACK = new Set(['Delivery', 'Bounce', 'Complaint']);

type Content = (step: Step, timestamp: string) => [type: string, field: string, content: object];

/** Source: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html */
const CONTENTS: Record<Step['event'], Content> = {
  sent: () => ['Send', 'send', {}],
  delivered: ({ recipients }, timestamp) => {
    const details = {
      processingTimeMillis: 1_500,
      smtpResponse: '250 ok',
      reportingMTA: 'a8-1.smtp-out.amazonses.com',
    };
    return ['Delivery', 'delivery', { timestamp, recipients, ...details }];
  },
  bounced: ({ recipients, bounce = 'soft' }, timestamp) => [
    ...(['Bounce', 'bounce'] as const),
    {
      feedbackId: `0100${randomUUID()}-000000`,
      ...{ bounceType: bounce === 'hard' ? 'Permanent' : 'Transient', bounceSubType: 'General', timestamp },
      bouncedRecipients: recipients.map((emailAddress) => ({
        ...{ emailAddress, action: 'failed', ...DIAGNOSTICS[bounce] },
      })),
      reportingMTA: 'dsn; a8-1.smtp-out.amazonses.com',
    },
  ],
  complained: ({ recipients }, timestamp) => [
    ...(['Complaint', 'complaint'] as const),
    {
      ...{ feedbackId: `0100${randomUUID()}-000000`, complaintSubType: null, timestamp },
      complainedRecipients: recipients.map((emailAddress) => ({ emailAddress })),
      ...{
        userAgent: 'ExampleCorp Feedback Loop (V0.01)',
        complaintFeedbackType: 'abuse',
        arrivalDate: timestamp,
      },
    },
  ],
  dropped: () => ['Reject', 'reject', { reason: 'Bad content' }],
  deferred: ({ recipients }, timestamp) => [
    ...(['DeliveryDelay', 'deliveryDelay'] as const),
    {
      ...{ timestamp, delayType: 'TransientCommunicationFailure', expirationTime: timestamp },
      delayedRecipients: recipients.map((emailAddress) => ({
        ...{
          emailAddress,
          status: '4.4.1',
          diagnosticCode: 'smtp; 421 4.4.1 Unable to connect to remote host',
        },
      })),
    },
  ],
  opened: (_step, timestamp) => [
    'Open',
    'open',
    { ipAddress: '192.0.2.1', timestamp, userAgent: 'Mozilla/5.0' },
  ],
  clicked: (_step, timestamp) => {
    const link = 'https://example.com/';
    const details = { ipAddress: '192.0.2.1', timestamp, userAgent: 'Mozilla/5.0', link, linkTags: null };
    return ['Click', 'click', details];
  },
  unsubscribed: (_step, timestamp) => {
    const topicSubscriptionStatus = [{ topicName: 'news', subscriptionStatus: 'OptOut' }];
    const preferences = { unsubscribeAll: true, topicSubscriptionStatus };
    return [
      ...(['Subscription', 'subscription'] as const),
      { contactList: 'customers', timestamp, source: 'UnsubscribeHeader', newTopicPreferences: preferences },
    ];
  },
};

/** Events whose time does not change when they are repeated as feedback. */
export function eventOf(email: Email, step: Step, timestamp: string = new Date().toISOString()): object {
  const [eventType, field, content] = CONTENTS[step.event](step, timestamp);
  // An email that is dropped, opened or clicked names its recipients in `mail` only.
  const isOfMail =
    !('recipients' in content) && !Object.keys(content).some((name) => name.endsWith('Recipients'));
  const mail = { ...mailOf(email), ...(isOfMail && { destination: step.recipients }), tags: email.tags };
  return { eventType, mail, [field]: content };
}

/** The same event as the feedback of an identity, which has no tags; null for a type that feedback does not have. */
export function feedbackOf(event: object): object | null {
  const { eventType, mail, ...content } = event as { eventType: string; mail: { tags: object } };
  if (!FEEDBACK.has(eventType)) return null;
  const { tags: _tags, ...untagged } = mail;
  return { notificationType: eventType, mail: untagged, ...content };
}

function mailOf({ id, from, recipients, sentAt }: Email) {
  const domain = from.slice(from.lastIndexOf('@') + 1);
  return {
    ...{ timestamp: sentAt.toISOString(), source: from },
    sourceArn: `arn:aws:ses:us-east-1:123456789012:identity/${domain}`,
    ...{ sendingAccountId: '123456789012', messageId: id, destination: recipients, headersTruncated: false },
    headers: [{ name: 'From', value: from }],
    commonHeaders: { from: [from], to: recipients.slice(0, 1), messageId: id },
  };
}
