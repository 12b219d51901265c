import { hash } from 'node:crypto';
import type { ErrorClass } from '../../openapi/error-class.ts';
import { isObject, type JsonObject, textOf } from '../email/json.ts';
import { isMessageId } from '../http/failure.ts';
import type { ReceiptContent, WebhookContent } from '../webhook.ts';
import { ECHO } from './request.ts';

type Reading = Pick<ReceiptContent, 'status'> & Partial<ReceiptContent>;
type Reader = (event: JsonObject) => Reading;

const bounced = (bounce: 'hard' | 'soft', errorClass: ErrorClass) => ({
  status: 'bounced',
  bounce,
  errorClass,
});
const DROPPED = { status: 'dropped', errorClass: 'provider_error' } as const;

/**
 * The types of bounces. A type that is not here says nothing about the delivery, such as an automatic reply.
 * Source: https://postmarkapp.com/developer/api/bounce-api#bounce-types
 */
const BOUNCES = new Map<string, Reading>(
  Object.entries<Reading>({
    HardBounce: bounced('hard', 'invalid_destination'),
    BadEmailAddress: bounced('hard', 'invalid_destination'),
    SoftBounce: bounced('soft', 'unreachable'),
    DnsError: bounced('soft', 'unreachable'),
    Unknown: bounced('soft', 'unreachable'),
    Blocked: bounced('soft', 'blocked_by_carrier'),
    DMARCPolicy: bounced('soft', 'blocked_by_carrier'),
    SpamNotification: bounced('soft', 'content_rejected'),
    VirusNotification: bounced('soft', 'content_rejected'),
    Transient: { status: 'deferred', errorClass: 'unreachable' },
    ManuallyDeactivated: { status: 'dropped', errorClass: 'opted_out' },
    SMTPApiError: DROPPED,
    TemplateRenderingFailed: DROPPED,
    SpamComplaint: { status: 'complained' },
    Unsubscribe: { status: 'unsubscribed' },
  }),
);

/** The readers of the values of `RecordType`. Source: https://postmarkapp.com/developer/webhooks/webhooks-overview */
const READERS = new Map<string, Reader>(
  Object.entries<Reader>({
    Delivery: ({ Recipient, DeliveredAt }) => ({
      ...{ status: 'delivered', recipient: Recipient, timestamp: DeliveredAt },
    }),
    Bounce: readBounce,
    SpamComplaint: ({ Email, BouncedAt }) => ({
      ...{ status: 'complained', recipient: Email, timestamp: BouncedAt },
    }),
    SubscriptionChange: readSubscription,
    Open: ({ Recipient, ReceivedAt }) => ({ status: 'opened', recipient: Recipient, timestamp: ReceivedAt }),
    Click: ({ Recipient, ReceivedAt }) => ({
      status: 'clicked',
      recipient: Recipient,
      timestamp: ReceivedAt,
    }),
  }),
);

/** Reads the event of an email; null for any other webhook. */
export function readEvent(event: JsonObject): WebhookContent | null {
  const type = textOf(event.RecordType);
  const id = messageIdOf(event);
  const echo = isObject(event.Metadata) ? textOf(event.Metadata[ECHO]) : null;
  if (type === null || !isMessageId(event.MessageID)) return null;
  const reading = READERS.get(type)?.(event) ?? { status: type.toLowerCase(), recipient: event.Recipient };
  const receipt: ReceiptContent = {
    ...{ providerMessageId: id, echo, ofOne: true, dedupeKey: dedupeKeyOf(event), payload: event },
    ...reading,
  };
  // Postmark suppressed the recipient without an email, for example by a form of its own.
  const isReported = id !== null || echo !== null;
  const isOptOut = !isReported && reading.status === 'unsubscribed';
  return {
    messages: [],
    receipts: isReported ? [receipt] : [],
    optOuts: isOptOut
      ? [
          {
            ...{ action: 'stop', address: event.Recipient, sender: undefined },
            providerMessageId: dedupeKeyOf(event),
          },
        ]
      : [],
  };
}

const NO_MESSAGE = '00000000-0000-0000-0000-000000000000';

function messageIdOf({ MessageID: id }: JsonObject): string | null {
  return isMessageId(id) && id !== NO_MESSAGE ? id : null;
}

function readBounce({ Type, Email, BouncedAt, Name, Description, Details }: JsonObject): Reading {
  const type = textOf(Type) ?? 'Unknown';
  const reading = BOUNCES.get(type);
  const detail = textOf(Details) ?? textOf(Description) ?? textOf(Name);
  return {
    ...(reading ?? { status: type.toLowerCase() }),
    ...{ recipient: Email, timestamp: BouncedAt },
    ...(reading?.errorClass && { error: { code: type, detail } }),
  };
}

/**
 * Only a recipient's own request is one; Postmark reports bounces and complaints by webhooks of their own. That a suppression has
 * ended changes nothing: only a person lifts a suppression of an email address.
 */
function readSubscription(event: JsonObject): Reading {
  const { SuppressSending, Origin, SuppressionReason, Recipient, ChangedAt } = event;
  const isRequest = Origin === 'Recipient' && SuppressionReason === 'ManualSuppression';
  const suppressed = isRequest ? 'unsubscribed' : 'suppressed';
  return {
    status: SuppressSending === true ? suppressed : 'resubscribed',
    ...{ recipient: Recipient, timestamp: ChangedAt },
  };
}

/** Some webhooks have no id of their own. */
function dedupeKeyOf(event: JsonObject): string {
  const { RecordType, ID, MessageID, Recipient, Email, Type, OriginalLink, SuppressSending } = event;
  const at = event.DeliveredAt ?? event.BouncedAt ?? event.ChangedAt ?? event.ReceivedAt;
  const key = [RecordType, ID, MessageID, Recipient ?? Email, Type, OriginalLink, SuppressSending, at];
  return hash('sha256', JSON.stringify(key.map((part) => part ?? null)), 'base64url');
}
