import type { ErrorClass } from '../../openapi/error-class.ts';
import { isObject, type JsonObject } from '../email/json.ts';
import { isMessageId } from '../http/failure.ts';
import type { ReceiptContent, WebhookContent } from '../webhook.ts';
import { wireMessageIdOf } from './message-id.ts';

/** The tag of an email that names the message. */
export const ECHO = 'echo';

/** The part of an event that is about one recipient. */
interface Reported {
  recipient: unknown;
  error?: { code: unknown; detail: unknown };
}

/** More recipients than an email can have. */
const MAX_ITEMS = 100;

function objectOf(value: unknown): JsonObject | null {
  return isObject(value) ? value : null;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value.slice(0, MAX_ITEMS) : [];
}

/** What an event reports about its recipients. */
interface Report {
  status: string;
  recipients: Reported[];
  timestamp: unknown;
  bounce?: 'hard' | 'soft';
  errorClass?: ErrorClass;
  /** Distinguishes two events of one type about one recipient. */
  variant?: unknown;
}

type Reader = (event: JsonObject, mail: JsonObject) => Report;

/**
 * The types of events, with a space in one of them.
 * Source: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
 */
const READERS = new Map<string, Reader>(
  Object.entries<Reader>({
    Send: (_event, mail) => ofAll('sent', mail, mail.timestamp),
    Delivery: ({ delivery }) => {
      const { recipients, timestamp } = objectOf(delivery) ?? {};
      return {
        status: 'delivered',
        timestamp,
        recipients: listOf(recipients).map((recipient) => ({ recipient })),
      };
    },
    Bounce: ({ bounce }) => {
      const { bouncedRecipients, bounceType, bounceSubType, timestamp } = objectOf(bounce) ?? {};
      const isHard = bounceType === 'Permanent';
      return {
        ...{ status: 'bounced', bounce: isHard ? 'hard' : 'soft', timestamp, variant: bounceType },
        errorClass: isHard ? 'invalid_destination' : 'unreachable',
        recipients: namedIn(bouncedRecipients, bounceSubType),
      };
    },
    Complaint: ({ complaint }) => {
      const { complainedRecipients, complaintSubType, timestamp } = objectOf(complaint) ?? {};
      const recipients = namedIn(complainedRecipients).map(({ recipient }) => ({ recipient }));
      // SES did not send the email, because the recipient has complained before.
      if (complaintSubType === 'OnAccountSuppressionList')
        return {
          ...{ status: 'dropped', timestamp, errorClass: 'opted_out' },
          recipients: namedIn(complainedRecipients, complaintSubType),
        };
      // Of several recipients, one has complained, and SES does not know which: nobody gets the mark.
      if (recipients.length > 1)
        return {
          ...{ status: 'complained', timestamp },
          recipients: [{ recipient: recipients.map(({ recipient }) => recipient) }],
        };
      return { status: 'complained', timestamp, recipients };
    },
    Reject: ({ reject }, mail) => {
      const error = { code: 'Reject', detail: objectOf(reject)?.reason };
      return { ...ofAll('dropped', mail, mail.timestamp, error), errorClass: 'content_rejected' };
    },
    'Rendering Failure': ({ failure }, mail) => {
      const error = { code: 'RenderingFailure', detail: objectOf(failure)?.errorMessage };
      return { ...ofAll('failed', mail, mail.timestamp, error), errorClass: 'content_rejected' };
    },
    DeliveryDelay: ({ deliveryDelay }) => {
      const { delayedRecipients, delayType, timestamp } = objectOf(deliveryDelay) ?? {};
      const recipients = namedIn(delayedRecipients, delayType);
      return { status: 'deferred', timestamp, recipients, errorClass: 'unreachable', variant: timestamp };
    },
    Open: ({ open }, mail) => ofReader('opened', mail, objectOf(open)),
    Click: ({ click }, mail) => ofReader('clicked', mail, objectOf(click)),
    Subscription: ({ subscription }, mail) => {
      const { newTopicPreferences, timestamp } = objectOf(subscription) ?? {};
      const status = isUnsubscribed(objectOf(newTopicPreferences)) ? 'unsubscribed' : 'subscription';
      return ofReader(status, mail, { timestamp });
    },
  }),
);

/**
 * Reads an event, with one receipt for each recipient that it names; null if it has another form. The events of a configuration
 * set have `eventType`, and the feedback of an identity has `notificationType` and no tags: with both, each event arrives twice.
 *
 * @param event the JSON in the message of a notification.
 */
export function readEvent(event: unknown, region: string): WebhookContent | null {
  if (!isObject(event)) return null;
  const type = event.eventType ?? event.notificationType;
  if (type === 'AmazonSnsSubscriptionSucceeded') return { messages: [], receipts: [], optOuts: [] };
  const { mail } = event;
  if (typeof type !== 'string' || type === 'Received' || !isObject(mail) || !isMessageId(mail.messageId))
    return null;
  const { messageId } = mail;
  const read = READERS.get(type) ?? ((_event: JsonObject) => ofUnknown(type, mail));
  const { status, recipients, timestamp, bounce, errorClass, variant } = read(event, mail);
  const receipts = recipients.map(({ recipient, error }): ReceiptContent => {
    const key = ['ses', type, messageId, recipient, variant ?? null];
    return {
      ...{ providerMessageId: messageId, echo: echoOf(mail), recipient, ofOne: true, status },
      ...{ timestamp, payload: event },
      wireMessageId: wireMessageIdOf(messageId, region),
      dedupeKey: JSON.stringify(key).toLowerCase(),
      ...(bounce && { bounce }),
      ...(error && { error }),
      ...(error && errorClass && { errorClass }),
    };
  });
  return receipts.length === 0 ? null : { messages: [], receipts, optOuts: [] };
}

function echoOf({ tags }: JsonObject): string | null {
  const [echo] = listOf(objectOf(tags)?.[ECHO]);
  return typeof echo === 'string' ? echo : null;
}

/** An event about every recipient of the email. */
function ofAll(status: string, mail: JsonObject, timestamp: unknown, error?: Reported['error']): Report {
  const recipients = listOf(mail.destination).map((recipient) => ({ recipient, ...(error && { error }) }));
  return { status, recipients, timestamp };
}

/** An event about one recipient, who is not named: of an email to several, nobody knows who it was. */
function ofReader(status: string, mail: JsonObject, details: JsonObject | null): Report {
  const { timestamp, link } = details ?? {};
  return { status, timestamp, recipients: [{ recipient: mail.destination }], variant: [timestamp, link] };
}

/** An event of a type that this service does not know is kept, and changes nothing. */
function ofUnknown(type: string, mail: JsonObject): Report {
  return {
    status: type,
    timestamp: undefined,
    recipients: [{ recipient: mail.destination }],
    variant: mail.timestamp,
  };
}

/** @param reason the code of a recipient without an SMTP status. */
function namedIn(recipients: unknown, reason?: unknown): Reported[] {
  return listOf(recipients)
    .filter(isObject)
    .map(({ emailAddress: recipient, status, diagnosticCode: detail }) => {
      const isStatus = typeof status === 'string' && /^[245]\.\d{1,3}\.\d{1,3}$/.test(status);
      return { recipient, error: { code: isStatus ? status : reason, detail } };
    });
}

function isUnsubscribed(preferences: JsonObject | null): boolean {
  const topics = listOf(preferences?.topicSubscriptionStatus).filter(isObject);
  return (
    preferences?.unsubscribeAll === true ||
    topics.some(({ subscriptionStatus }) => subscriptionStatus === 'OptOut')
  );
}
