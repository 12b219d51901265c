import { Model } from 'objection';
import type { Channel } from '../../channel.ts';
import type { StoredError } from '../../openapi/error-class.ts';
import type { Schema } from '../../openapi/types.ts';

/** The sending state of an outbound message: one row per message. */
export class Delivery extends Model {
  static override tableName = 'deliveries';
  static override idColumn = 'message_id';

  declare message_id: number;
  declare conversation_id: number;
  declare channel: Channel;
  declare status: Exclude<Schema<'MessageStatus'>, 'received'>;
  declare pending: boolean;
  declare error: StoredError | null;
  declare provider: string | null;
  declare accounts: string[] | null;
  declare provider_message_id: string | null;
  declare delivery_key: string;
  declare send_at: Date | null;
  declare expires_at: Date;
  declare attempt_count: number;
  declare retry_count: number;
  declare may_have_been_sent: boolean;
  declare next_attempt_at: Date | null;
  declare sender_slot_at: Date | null;
  declare created_at: Date;
  declare updated_at: Date;
  /** The hashes of the recipients in `to`, `cc` and `bcc`; null for a message of a version without hashes, until a task adds them. */
  declare recipient_hashes: Buffer[] | null;
}
