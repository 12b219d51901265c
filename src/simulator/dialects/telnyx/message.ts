import { randomUUID } from 'node:crypto';
import { SegmentedMessage } from 'sms-segments-calculator';

/** The messaging profile of the account, and its organization. */
export const PROFILE_ID = '4000eba1-a0c0-4563-9925-b25e842a7cb6';
export const ORGANIZATION_ID = 'b448f9cc-a842-4784-98e9-03c1a5872950';

export interface Recipient {
  phoneNumber: string;
  status: string;
  /** The code of the error that prevented the delivery; null for none. */
  errorCode: number | null;
  /** Of a group message: the id of the message to this recipient. */
  id: string;
}

/** An outbound message. Source: https://developers.telnyx.com/api-reference/messages/send-a-message */
export interface Message {
  id: string;
  type: 'SMS' | 'MMS';
  isGroup: boolean;
  from: string;
  recipients: Recipient[];
  text: string | null;
  mediaUrls: string[];
  subject: string | null;
  messagingProfileId: string;
  webhookUrl: string | null;
  webhookFailoverUrl: string | null;
  createdAt: Date;
  sentAt: Date | null;
  completedAt: Date | null;
}

/** The body of a request to send. */
export interface SendRequest {
  to: string | string[];
  from?: string;
  text?: string;
  media_urls?: string[];
  subject?: string;
  type?: 'SMS' | 'MMS';
  messaging_profile_id?: string;
  webhook_url?: string;
  webhook_failover_url?: string;
}

/** The sender that a number pool chooses. */
const POOL_SENDER = '+15005550006';

export function messageOf(request: SendRequest, isGroup: boolean): Message {
  const { to, from, text, media_urls: mediaUrls = [], subject, messaging_profile_id } = request;
  return {
    id: randomUUID(),
    type: isGroup || request.type === 'MMS' || mediaUrls.length > 0 ? 'MMS' : 'SMS',
    ...{ isGroup, from: from ?? POOL_SENDER, text: text ?? null, mediaUrls, subject: subject ?? null },
    recipients: [to].flat().map((phoneNumber) => ({
      ...{ phoneNumber, status: 'queued', errorCode: null, id: randomUUID() },
    })),
    messagingProfileId: messaging_profile_id ?? PROFILE_ID,
    webhookUrl: request.webhook_url ?? null,
    webhookFailoverUrl: request.webhook_failover_url ?? null,
    ...{ createdAt: new Date(), sentAt: null, completedAt: null },
  };
}

/**
 * The JSON of a message in the API and in webhooks.
 *
 * @param about the recipient that a webhook of a group message is about: the others have the status `unknown`.
 */
export function presented(message: Message, about?: Recipient): object {
  const { type, from, recipients, text, mediaUrls, subject, isGroup } = message;
  return {
    ...{ record_type: 'message', direction: 'outbound', id: about?.id ?? message.id, type },
    ...(isGroup && { group_message_id: message.id }),
    ...{ messaging_profile_id: message.messagingProfileId, organization_id: ORGANIZATION_ID },
    from: { phone_number: from, carrier: 'TELNYX LLC', line_type: 'VoIP' },
    to: recipients.map((recipient) => ({
      ...{ phone_number: recipient.phoneNumber, carrier: 'T-MOBILE USA, INC.', line_type: 'Wireless' },
      status: about === undefined || recipient === about ? recipient.status : 'unknown',
    })),
    ...{ cc: [], text, subject },
    media: mediaUrls.map((url) => ({ url, content_type: null, sha256: null, size: null })),
    ...{ webhook_url: message.webhookUrl, webhook_failover_url: message.webhookFailoverUrl },
    ...{ encoding: encodingOf(text ?? ''), parts: partsOf(message), tags: [] },
    cost: { amount: '0.0051', currency: 'USD' },
    received_at: message.createdAt.toISOString(),
    sent_at: message.sentAt?.toISOString() ?? null,
    completed_at: message.completedAt?.toISOString() ?? null,
    valid_until: new Date(message.createdAt.getTime() + 3_600_000).toISOString(),
    errors: [],
  };
}

export function encodingOf(text: string): string {
  return new SegmentedMessage(text, 'auto').encodingName === 'UCS-2' ? 'UCS-2' : 'GSM-7';
}

/** The parts of an SMS; an MMS has one. */
export function partsOf({ type, text }: Pick<Message, 'type' | 'text'>): number {
  return type === 'MMS' ? 1 : Math.max(1, new SegmentedMessage(text ?? '', 'auto').segmentsCount);
}
