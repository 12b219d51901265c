import type { Channel } from '../config.ts';
import type { Message } from '../db/models/message.ts';
import type { Address } from './address.ts';

/** The columns of a message that are known before it is recorded. */
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
  | 'status'
  | 'provider'
  | 'provider_message_id'
  | 'segments'
  | 'timestamp'
  | 'send_at'
  | 'expires_at'
  | 'payload'
  | 'idempotency_key'
  | 'request_hash'
  | 'delivery_key'
>;

/** A message about to be recorded, with the addresses whose set is its conversation. */
export interface NewMessage {
  channel: Channel;
  sender: Address;
  /** Everyone who takes part, the sender among them: one entry for each key, in the order of the keys. */
  participants: Address[];
  row: NewMessageRow;
}

/** The set of these addresses: repeats folded, in the order of the keys. */
export function participantsOf(addresses: Address[]): Address[] {
  const byKey = new Map(addresses.map((address) => [address.key, address]));
  return [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}
