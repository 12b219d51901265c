import type { Channel } from '../../channel.ts';
import type { OptOutRow } from '../../consent/opt-outs.ts';
import type { Delivery } from '../../db/models/delivery.ts';
import type { Message } from '../../db/models/message.ts';
import type { StoredError } from '../../openapi/error-class.ts';
import type { IdempotencyKey } from '../../openapi/types.ts';
import type { Address } from '../address.ts';
import type { MediaName, NamedFile, NewFile } from '../email/attachments.ts';
import type { NewEmail } from '../email/new-email.ts';
import type { PresentableMessage } from '../message-view.ts';
import type { StoredMedia } from '../named-media.ts';
import type { RequestedAddress } from './address-reader.ts';
import type { Attachment } from './inbound-content.ts';

/** The columns of a message, and of the delivery of an outbound message, before the message is recorded. */
export type NewMessageRow = Pick<
  Message,
  | 'direction'
  | 'type'
  | 'from'
  | 'to'
  | 'cc'
  | 'bcc'
  | 'reply_to'
  | 'subject'
  | 'body'
  | 'attachments'
  | 'metadata'
  | 'provider'
  | 'provider_message_id'
  | 'segments'
  | 'timestamp'
  | 'payload'
  | 'actor'
  | 'purpose'
  | 'traceparent'
> & { [K in 'send_at' | 'expires_at' | 'delivery_key' | 'accounts']: Delivery[K] | null };

/** A message that is not recorded yet, with the participants of its conversation. */
export interface NewMessage {
  channel: Channel;
  sender: Address;
  /** The distinct sender and visible recipients, in the order of their keys. */
  participants: Address[];
  /** The recipients of an outbound message: those of `to`, `cc` and `bcc` of the row, in this order. Empty if inbound. */
  recipients: RequestedAddress[];
  /** Whether a message with several recipients is sent without those who are suppressed. */
  skipSuppressed: boolean;
  row: NewMessageRow;
  /** Null for a text. */
  email: NewEmail | null;
  /** The id of the email that an outbound email answers, whose subject is the default subject. */
  repliedTo: number | null;
  /** The stored files that an outbound message names. */
  storedFiles: readonly NamedFile[];
  /** The files whose content is in the request, which are stored before the message is recorded; absent: none. */
  newFiles?: readonly NewFile[];
  /** What the message says about each of these files; null if it says nothing. */
  mediaNames: readonly MediaName[] | null;
  /** These files; null if there are none, or before they are found. */
  media: StoredMedia[] | null;
  /** The attachments of an inbound message, which are to be fetched; absent for an outbound message. */
  attachments?: Attachment[];
  /** The request of a recipient that an inbound message is; absent for any other message. */
  optOut?: OptOutRow;
  /** Null for a message without an Idempotency-Key. */
  idempotency: (IdempotencyKey & { requestHash: string }) | null;
}

/** A recipient who is suppressed when the message is recorded: a row of `delivery_recipients`. */
export interface SkippedRecipient {
  /** The position in `to`, `cc` and `bcc`, from 1. */
  position: number;
  address: string;
  error: StoredError;
}

/** The distinct addresses, in the order of their keys. */
export function participantsOf(addresses: Address[]): Address[] {
  const byKey = new Map(addresses.map((address) => [address.key, address]));
  return [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** A stored message. `repeated`: an earlier request with the same key or provider id has stored it. */
export interface Recorded {
  message: PresentableMessage;
  repeated: boolean;
}
