import type { Channel } from '../../channel.ts';
import type { Delivery } from '../../db/models/delivery.ts';
import type { Message } from '../../db/models/message.ts';
import type { IdempotencyKey, Schema } from '../../openapi/types.ts';
import type { Address } from '../address.ts';
import type { PresentableMessage } from '../message-view.ts';

/** What is known of a message, and of its delivery where it is to have one, before it is recorded. */
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
> & { [K in 'send_at' | 'expires_at' | 'delivery_key']: Delivery[K] | null } & {
  status: Schema<'MessageStatus'>;
};

/** A message about to be recorded, with the addresses whose set is its conversation. */
export interface NewMessage {
  channel: Channel;
  sender: Address;
  /** The sender and the visible recipients: one entry per key, in the order of the keys. */
  participants: Address[];
  row: NewMessageRow;
  /** Of a send; null for a message without an Idempotency-Key. */
  idempotency: (IdempotencyKey & { requestHash: string }) | null;
}

/** The set of these addresses: repeats folded, in the order of the keys. */
export function participantsOf(addresses: Address[]): Address[] {
  const byKey = new Map(addresses.map((address) => [address.key, address]));
  return [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** A message as it is stored: by this call, or (`repeated`) by an earlier one with the same key or provider id. */
export interface Recorded {
  message: PresentableMessage;
  repeated: boolean;
}
