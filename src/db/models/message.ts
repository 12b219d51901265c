import { Model, type RelationMappings } from 'objection';
import type { Schema } from '../../openapi/types.ts';
import { Delivery } from './delivery.ts';

/** The status of a message when it was recorded. `insert_messages` stores the status by the same rule. */
export function firstStatus({
  direction,
  send_at,
  created_at,
}: Pick<Message, 'direction' | 'created_at'> & Pick<Delivery, 'send_at'>): Schema<'MessageStatus'> {
  if (direction === 'inbound') return 'received';
  return send_at !== null && send_at > created_at ? 'scheduled' : 'queued';
}

/** The content of an inbound or outbound message, which never changes, except that it can be erased. An outbound message has a delivery. */
export class Message extends Model {
  static override tableName = 'messages';

  declare id: number;
  declare conversation_id: number;
  declare sender_id: number;
  declare direction: Schema<'Direction'>;
  declare type: Schema<'MessageType'>;
  declare from: string;
  declare to: string[];
  declare cc: string[] | null;
  declare bcc: string[] | null;
  declare reply_to: string | null;
  declare subject: string | null;
  declare body: string;
  declare attachments: string[];
  declare metadata: Record<string, string>;
  /** Inbound: the account that received the message, and the provider's id of the message. */
  declare provider: string | null;
  declare provider_message_id: string | null;
  declare segments: number | null;
  declare timestamp: Date;
  declare payload: unknown;
  /** Null for an inbound message, and for an outbound message of a version without purposes, which is conversational. */
  declare purpose: Schema<'MessagePurpose'>;
  /** The name of the API key that sent an outbound message; null without API keys. */
  declare actor: string | null;
  /** The trace context of the request that sent an outbound message (W3C Trace Context, version 00). */
  declare traceparent: string | null;
  declare created_at: Date;
  /** When the content was erased. */
  declare redacted_at: Date | null;
  declare delivery?: Delivery;

  static override get relationMappings(): RelationMappings {
    return {
      delivery: {
        relation: Model.HasOneRelation,
        modelClass: Delivery,
        join: { from: 'messages.id', to: 'deliveries.message_id' },
      },
    };
  }
}
