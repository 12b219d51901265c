import { randomBytes } from 'node:crypto';
import { SegmentedMessage } from 'sms-segments-calculator';
import { type ProviderFile, pixelFile } from '../../media/files.ts';

export const API_VERSION = '2010-04-01';

export type Status =
  | 'accepted'
  | 'queued'
  | 'sending'
  | 'sent'
  | 'delivered'
  | 'undelivered'
  | 'failed'
  | 'received';

/** A media file of a message. */
export interface Media {
  sid: string;
  contentType: string;
  file: ProviderFile;
  createdAt: Date;
}

/** A Message resource. Source: https://www.twilio.com/docs/messaging/api/message-resource */
export interface Message {
  sid: string;
  accountSid: string;
  direction: 'inbound' | 'outbound-api';
  /** Null until the Messaging Service has chosen a sender. */
  from: string | null;
  to: string;
  body: string;
  media: Media[];
  messagingServiceSid: string | null;
  status: string;
  errorCode: number | null;
  errorMessage: string | null;
  createdAt: Date;
  updatedAt: Date;
  sentAt: Date | null;
}

/** A new identifier: the prefix and 32 hexadecimal digits. */
export function newSid(prefix: 'SM' | 'MM' | 'ME'): string {
  return prefix + randomBytes(16).toString('hex');
}

/** @param file default: a pixel, which is not registered. */
export function newMedia(contentType: string, createdAt: Date, file = pixelFile(contentType)): Media {
  return { sid: newSid('ME'), contentType, file, createdAt };
}

/** The JSON of a message in the API. */
export function presented(message: Message): object {
  const { sid, accountSid, messagingServiceSid, media, createdAt, updatedAt, sentAt } = message;
  const uri = uriOf(message);
  return {
    account_sid: accountSid,
    api_version: API_VERSION,
    body: message.body,
    date_created: rfc2822(createdAt),
    date_sent: sentAt && rfc2822(sentAt),
    date_updated: rfc2822(updatedAt),
    direction: message.direction,
    error_code: message.errorCode,
    error_message: message.errorMessage,
    from: message.from,
    messaging_service_sid: messagingServiceSid,
    num_media: String(media.length),
    num_segments: numberOfSegments(message),
    price: null,
    price_unit: 'USD',
    sid,
    status: message.status,
    subresource_uris: { media: `${uri}/Media.json` },
    to: message.to,
    uri: `${uri}.json`,
  };
}

/** The JSON of a media file in the API. */
export function presentedMedia(message: Message, { sid, contentType, createdAt }: Media): object {
  return {
    account_sid: message.accountSid,
    content_type: contentType,
    date_created: rfc2822(createdAt),
    date_updated: rfc2822(createdAt),
    parent_sid: message.sid,
    sid,
    uri: `${uriOf(message)}/Media/${sid}.json`,
  };
}

/** The path of a message without its extension, relative to `https://api.twilio.com`. */
export function uriOf({ accountSid, sid }: Pick<Message, 'accountSid' | 'sid'>): string {
  return `/${API_VERSION}/Accounts/${accountSid}/Messages/${sid}`;
}

/** The number of segments is unknown until the Messaging Service has chosen a sender. */
export function numberOfSegments({ from, body, media }: Message): string {
  if (from === null) return '0';
  return media.length > 0 ? '1' : String(new SegmentedMessage(body, 'auto').segmentsCount);
}

function rfc2822(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000');
}
